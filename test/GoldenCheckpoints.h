// The committed checkpoints with golden.json: test/goldens/<family>/<name>. A new one is in every test that takes all.
#pragma once

#include "models/Family.h"
#include "models/config/ModelConfig.h"
#include "models/import/Checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace quipu::test {

// Folders relative to the repository's root, where tests run: "test/goldens/llama/gqa_tied_f32"; in alphabetical order.
// Goldens may be there before their family is: those whose architecture is in no row of the registry are left out.
inline std::vector<std::string> goldenCheckpoints() {
  std::vector<std::string> folders;
  std::error_code ignored;
  for (const auto &family : std::filesystem::directory_iterator("test/goldens", ignored)) {
    if (!family.is_directory())
      continue;
    for (const auto &entry : std::filesystem::directory_iterator(family.path())) {
      auto file = entry.path() / "config.json";
      if (!std::filesystem::exists(file))
        continue;
      auto config = models::ModelConfig::load(file.string());
      if (!config || models::findFamily(*config))
        folders.push_back(entry.path().string());
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

// The GGUF files beside them, of the same weights; without those whose architecture no family reads.
inline std::vector<std::string> goldenGgufs() {
  std::vector<std::string> files;
  for (const std::string &folder : goldenCheckpoints()) {
    std::string file = folder + "/model.gguf";
    if (!std::filesystem::exists(file))
      continue;
    auto opened = models::Checkpoint::open(file);
    if (opened || opened.error().message.find("general.architecture is") == std::string::npos)
      files.push_back(file);
  }
  return files;
}

// The golden.json of a folder, or of a GGUF file in it.
inline std::string goldenFile(const std::string &checkpoint) {
  std::filesystem::path path(checkpoint);
  return ((path.extension() == ".gguf" ? path.parent_path() : path) / "golden.json").string();
}

// Family and name as one word, for the name of a test: "llama_gqa_tied_f32", of a GGUF file with "_gguf" behind it.
inline std::string goldenName(const std::string &checkpoint) {
  std::filesystem::path path(checkpoint);
  if (path.extension() == ".gguf")
    return goldenName(path.parent_path().string()) + "_gguf";
  return path.parent_path().filename().string() + "_" + path.filename().string();
}

} // namespace quipu::test
