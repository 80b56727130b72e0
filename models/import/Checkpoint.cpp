#include "models/import/Checkpoint.h"

#include "models/config/ModelConfig.h"
#include "models/import/HuggingFaceDirectory.h"
#include "models/import/gguf/GgufCheckpoint.h"

#include <algorithm>
#include <filesystem>

namespace quipu::models {

int64_t TensorInfo::elements() const {
  int64_t product = 1; // the reader of the format has checked that it fits
  for (int64_t size : shape)
    product *= size;
  return product;
}

int64_t TensorInfo::rows() const {
  int64_t product = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i)
    product *= shape[i];
  return product;
}

int64_t TensorInfo::rowSize() const { return shape.empty() ? 1 : shape.back(); }

Expected<std::unique_ptr<Checkpoint>> Checkpoint::open(const std::string &path) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status))
    return makeError("{}: no such file or directory", path);
  return std::filesystem::is_directory(status) ? openHuggingFaceDirectory(path) : openGgufCheckpoint(path);
}

Checkpoint::Checkpoint(Parts given) : parts(std::move(given)) {
  std::sort(parts.tensors.begin(), parts.tensors.end(),
            [](const TensorInfo &a, const TensorInfo &b) { return a.name < b.name; });
}

Checkpoint::~Checkpoint() = default;

const TensorInfo *Checkpoint::find(std::string_view name) const {
  auto found = std::lower_bound(parts.tensors.begin(), parts.tensors.end(), name,
                                [](const TensorInfo &tensor, std::string_view wanted) { return tensor.name < wanted; });
  return found != parts.tensors.end() && found->name == name ? &*found : nullptr;
}

const TensorDigest &Checkpoint::digest() const {
  std::call_once(digestOnce, [this] { digestValue = digestTensors(parts.tensors); });
  return digestValue;
}

} // namespace quipu::models
