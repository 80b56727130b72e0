// Conversion between the storage types of weights and float. The loops have no branches and no calls, so the compiler
// turns them into vector code for every x86-64; source and destination need no alignment.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quipu::models {

void f16ToFloat(const std::byte *source, int64_t count, float *out);
void bf16ToFloat(const std::byte *source, int64_t count, float *out);

// To the nearest value, ties to even; overflow gives infinity, NaN stays NaN.
void floatToF16(const float *source, int64_t count, uint16_t *out);
void floatToBf16(const float *source, int64_t count, uint16_t *out);

} // namespace quipu::models
