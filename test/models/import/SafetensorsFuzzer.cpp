// Any bytes as a safetensors file: they are refused, or every tensor lies inside them and can be read to its last byte.
#include "models/import/Safetensors.h"

#include <cstdlib>

using namespace quipu::models;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto tensors = parseSafetensors(reinterpret_cast<const std::byte *>(data), size, "fuzz");
  if (!tensors) {
    if (tensors.error().message.empty() || tensors.error().message.find('\n') != std::string::npos)
      std::abort();
    return 0;
  }
  size_t total = 0;
  for (const TensorInfo &tensor : *tensors) {
    if (tensor.elements() * byteSize(tensor.dtype) != tensor.bytes)
      std::abort();
    total += tensor.bytes;
  }
  if (total > size)
    std::abort();
  digestTensors(*tensors); // reads them all
  return 0;
}
