// What the bytes of a storage format mean. This is the definition that the reference uses and kernels are held to; for
// GGUF's types it is exactly the value ggml gives, in the same float arithmetic.
#pragma once

#include "compiler/Quantization/Blocks.h"
#include "runtime/Artifact/StorageFormat.h"

#include <cstddef>

namespace quipu::quantization {

// `elements` elements, whole blocks, that lie one behind the other from `source` on (in no way aligned).
void decode(const StorageFormat &format, const std::byte *source, int64_t elements, float *out);

// Of the formats of integers per group only.
GroupFormat groupFormat(const StorageFormat &format);

} // namespace quipu::quantization
