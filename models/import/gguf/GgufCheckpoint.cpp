#include "models/import/gguf/GgufCheckpoint.h"

#include "models/config/JsonFile.h"
#include "models/import/gguf/GgufConfig.h"
#include "models/import/gguf/GgufParts.h"

#include <unordered_map>

namespace quipu::models {

Expected<std::unique_ptr<Checkpoint>> openGgufCheckpoint(const std::string &path) {
  auto gguf = GgufParts::open(path);
  if (!gguf)
    return passError(std::move(gguf));
  Checkpoint::Parts parts;
  auto architecture = findGgufArchitecture(gguf->file);
  if (!architecture)
    return passError(std::move(architecture));
  auto config = readGgufConfig(gguf->file, **architecture, parts.warnings);
  if (!config)
    return passError(std::move(config));
  parts.path = path;
  parts.config = std::make_unique<ModelConfig>(std::move(*config));
  std::unordered_map<std::string, std::string_view> names;
  for (const GgufTensor &tensor : gguf->file.tensors) {
    if (tensor.name == ggufRopeFactors)
      continue;
    std::string name = (*architecture)->huggingFaceName(tensor.name);
    if (auto [other, added] = names.emplace(name, tensor.name); !added)
      return makeError("{}: tensors {} and {} are the same weight", path, inQuotes(other->second),
                       inQuotes(tensor.name));
    parts.tensors.push_back({std::move(name), tensor.dtype, tensor.shape, tensor.data, tensor.bytes, tensor.file,
                             std::string(tensor.name)});
  }
  parts.files = std::move(gguf->mapped);
  return std::make_unique<Checkpoint>(std::move(parts));
}

} // namespace quipu::models
