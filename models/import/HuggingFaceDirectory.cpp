#include "models/import/HuggingFaceDirectory.h"

#include "models/Family.h"
#include "models/config/JsonFile.h"
#include "models/config/ModelConfig.h"
#include "models/import/Safetensors.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace quipu::models {

namespace {

namespace fs = std::filesystem;

constexpr size_t maxIndexBytes = 64 << 20; // the index of a model of 100,000 tensors is 10 MB

bool isThere(const fs::path &path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

Expected<> addFile(Checkpoint::Parts &parts, std::vector<TensorInfo> &tensors, const std::string &path) {
  auto file = MappedFile::open(path);
  if (!file)
    return passError(std::move(file));
  auto found = parseSafetensors(file->data(), file->size(), path);
  if (!found)
    return passError(std::move(found));
  tensors = std::move(*found);
  parts.files.push_back(std::move(*file));
  return {};
}

// Shard file name -> names of the tensors the index places there.
using ShardMap = std::map<std::string, std::vector<std::string>>;

Expected<ShardMap> readIndex(const std::string &path) {
  auto index = readJsonObject(path, maxIndexBytes);
  if (!index)
    return passError(std::move(index));
  auto weightMap = index->find("weight_map");
  if (weightMap == index->end() || !weightMap->is_object() || weightMap->empty())
    return makeError("{}: weight_map is missing or empty; expected an object of tensor names and files", path);
  ShardMap shards;
  for (const auto &[tensor, file] : weightMap->items()) {
    if (!file.is_string())
      return makeError("{}: weight_map of tensor {} is {}; expected a file name", path, inQuotes(tensor), shown(file));
    const std::string &name = file.get_ref<const std::string &>();
    // A name with a path in it could reach outside the directory; no writer of shards makes one.
    bool plain = !name.empty() && name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos &&
                 name != "." && name != "..";
    if (!plain)
      return makeError("{}: weight_map of tensor {} names {}; expected the name of a file in the same directory", path,
                       inQuotes(tensor), inQuotes(name));
    shards[name].push_back(tensor); // names come in order, as the object's keys are sorted
  }
  return shards;
}

Expected<> addShards(Checkpoint::Parts &parts, const fs::path &directory, const std::string &indexPath) {
  auto shards = readIndex(indexPath);
  if (!shards)
    return passError(std::move(shards));
  for (const auto &[name, listed] : *shards) {
    std::string path = (directory / name).string();
    if (!isThere(path))
      return makeError("{}: shard is missing; {} lists {} tensors in it", path, indexPath, listed.size());
    std::vector<TensorInfo> tensors;
    if (auto added = addFile(parts, tensors, path); !added)
      return added;
    size_t taken = 0;
    for (TensorInfo &tensor : tensors) {
      if (!std::binary_search(listed.begin(), listed.end(), tensor.name)) {
        parts.warnings.push_back(
            fmt::format("{}: tensor {} is not listed here by {} and left out", path, inQuotes(tensor.name), indexPath));
        continue;
      }
      ++taken;
      parts.tensors.push_back(std::move(tensor));
    }
    if (taken == listed.size())
      continue;
    for (const std::string &wanted : listed) {
      auto has = [&](const TensorInfo &tensor) { return tensor.name == wanted; };
      if (std::none_of(parts.tensors.end() - static_cast<std::ptrdiff_t>(taken), parts.tensors.end(), has))
        return makeError("{}: tensor {} is not in this shard, where {} lists it", path, inQuotes(wanted), indexPath);
    }
  }
  return {};
}

// How models name their text model, in files from before transformers 5 and after.
constexpr TensorPrefix textPrefixes[] = {
    {"language_model.model.", "model."}, {"model.language_model.", "model."}, {"language_model.lm_head.", "lm_head."}};
constexpr std::string_view otherModalities[] = {"vision_tower.", "multi_modal_projector.", "model.vision_tower.",
                                                "model.multi_modal_projector."};

bool begins(std::string_view name, std::string_view prefix) { return name.substr(0, prefix.size()) == prefix; }

template <typename Prefixes> void rename(TensorInfo &tensor, const Prefixes &prefixes) {
  for (const TensorPrefix &prefix : prefixes)
    if (begins(tensor.name, prefix.stored)) {
      tensor.storedName = tensor.name;
      tensor.name = std::string(prefix.name) + tensor.name.substr(prefix.stored.size());
      return;
    }
}

// Gives tensors the names that the family knows them by, and leaves those of other modalities out.
void suitNames(Checkpoint::Parts &parts) {
  std::vector<TensorInfo> &tensors = parts.tensors;
  if (parts.config->isText) {
    auto isOther = [](const TensorInfo &tensor) {
      return std::any_of(std::begin(otherModalities), std::end(otherModalities),
                         [&](std::string_view prefix) { return begins(tensor.name, prefix); });
    };
    tensors.erase(std::remove_if(tensors.begin(), tensors.end(), isOther), tensors.end());
    for (TensorInfo &tensor : tensors)
      rename(tensor, textPrefixes);
  } else if (auto match = findFamily(*parts.config)) { // an unknown one is refused where the configuration is read
    for (TensorInfo &tensor : tensors)
      rename(tensor, match->family->prefixes);
  }
}

} // namespace

Expected<std::unique_ptr<Checkpoint>> openHuggingFaceDirectory(const std::string &path) {
  fs::path directory = path;
  std::string configPath = (directory / "config.json").string();
  if (!isThere(configPath))
    return makeError("{}: has no config.json; expected a model directory in Hugging Face layout", path);
  auto config = ModelConfig::load(configPath);
  if (!config)
    return passError(std::move(config));

  Checkpoint::Parts parts;
  parts.path = path;
  parts.config = std::make_unique<ModelConfig>(std::move(*config));
  std::string single = (directory / "model.safetensors").string();
  std::string index = (directory / "model.safetensors.index.json").string();
  Expected<> added;
  if (isThere(single))
    added = addFile(parts, parts.tensors, single);
  else if (isThere(index))
    added = addShards(parts, directory, index);
  else if (isThere(directory / "pytorch_model.bin") || isThere(directory / "pytorch_model.bin.index.json"))
    added = makeError("{}: has pytorch_model.bin but no model.safetensors; save it again with save_pretrained", path);
  else
    added = makeError("{}: has neither model.safetensors nor model.safetensors.index.json", path);
  if (!added)
    return passError(std::move(added));
  suitNames(parts);
  return std::make_unique<Checkpoint>(std::move(parts));
}

} // namespace quipu::models
