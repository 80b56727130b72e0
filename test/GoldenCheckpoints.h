// The committed checkpoints with golden.json: test/goldens/<family>/<name>. A new one is in every test that takes all.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace quipu::test {

// Folders relative to the repository's root, where tests run: "test/goldens/llama/gqa_tied_f32"; in alphabetical order.
inline std::vector<std::string> goldenCheckpoints() {
  std::vector<std::string> folders;
  std::error_code ignored;
  for (const auto &family : std::filesystem::directory_iterator("test/goldens", ignored)) {
    if (!family.is_directory())
      continue;
    for (const auto &entry : std::filesystem::directory_iterator(family.path()))
      if (std::filesystem::exists(entry.path() / "config.json"))
        folders.push_back(entry.path().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

// Its family and name as one word, for the name of a test: "llama_gqa_tied_f32".
inline std::string goldenName(const std::string &folder) {
  std::filesystem::path path(folder);
  return path.parent_path().filename().string() + "_" + path.filename().string();
}

} // namespace quipu::test
