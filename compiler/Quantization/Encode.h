// Rounds values to a storage format: the block that decodes to the least weighted squared error that a search over
// scales finds. Infinite and undefined values make their whole block undefined (NaN; in mxfp4, which has none,
// infinite), so that they are not hidden.
#pragma once

#include "runtime/Artifact/StorageFormat.h"

#include <cstddef>
#include <cstdint>

namespace quipu::quantization {

// `elements` elements, whole blocks, of one row. `importance` says how much the squared error of each element counts
// (the second moment of its column's activation); null: all alike. Formats of single elements round to nearest, ties to
// even.
void encode(const StorageFormat &format, const float *values, const float *importance, int64_t elements,
            std::byte *out);

} // namespace quipu::quantization
