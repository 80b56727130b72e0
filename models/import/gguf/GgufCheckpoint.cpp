#include "models/import/gguf/GgufCheckpoint.h"

#include "models/config/JsonFile.h"
#include "models/import/gguf/GgufConfig.h"
#include "models/import/gguf/GgufParts.h"

#include <unordered_map>

namespace quipu::models {

static bool isHeadNorm(const GgufTensor &tensor) {
  auto ends = [&](std::string_view end) {
    return tensor.name.size() > end.size() && tensor.name.substr(tensor.name.size() - end.size()) == end;
  };
  return tensor.shape.size() == 2 && (ends(".attn_q_norm.weight") || ends(".attn_k_norm.weight"));
}

// Row i of NAME.weight as NAME.i.weight.
static void addRows(std::vector<TensorInfo> &tensors, const TensorInfo &matrix) {
  std::string module = matrix.name.substr(0, matrix.name.rfind('.'));
  int64_t rows = matrix.shape[0];
  for (int64_t i = 0; i < rows; ++i) {
    TensorInfo row = matrix;
    row.name = fmt::format("{}.{}.weight", module, i);
    row.shape = {matrix.shape[1]};
    row.bytes = matrix.bytes / size_t(rows);
    row.data = matrix.data + size_t(i) * row.bytes;
    tensors.push_back(std::move(row));
  }
}

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
    if (tensor.name == ggufRopeFactors || tensor.name == ggufShortFactors || tensor.name == ggufLongFactors)
      continue;
    std::string name = (*architecture)->huggingFaceName(tensor.name);
    if (auto [other, added] = names.emplace(name, tensor.name); !added)
      return makeError("{}: tensors {} and {} are the same weight", path, inQuotes(other->second),
                       inQuotes(tensor.name));
    TensorInfo info{std::move(name),         tensor.dtype, tensor.shape, tensor.data, tensor.bytes, tensor.file,
                    std::string(tensor.name)};
    if ((*architecture)->splitsHeadNorms && isHeadNorm(tensor))
      addRows(parts.tensors, info);
    else
      parts.tensors.push_back(std::move(info));
  }
  parts.files = std::move(gguf->mapped);
  return std::make_unique<Checkpoint>(std::move(parts));
}

} // namespace quipu::models
