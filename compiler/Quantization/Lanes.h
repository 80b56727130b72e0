// Sixteen floats at a time. Sums are kept lane by lane and added up in one order, so an encoder gives the same bytes
// whatever the width of the machine's vectors.
#pragma once

#include <cstdint>
#include <cstring>

namespace quipu::quantization {

using Lanes = float __attribute__((vector_size(64)));
using LaneMask = int32_t __attribute__((vector_size(64)));

constexpr int64_t laneCount = 16;

inline Lanes load(const float *from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(Lanes));
  return lanes;
}

inline Lanes all(float value) { return Lanes{} + value; }

inline float sum(Lanes lanes) {
  float total = 0;
  for (int64_t i = 0; i < laneCount; ++i)
    total += lanes[i];
  return total;
}

inline Lanes atMost(Lanes x, Lanes limit) { return x < limit ? x : limit; }
inline Lanes atLeast(Lanes x, Lanes limit) { return x > limit ? x : limit; }

// To the nearest integer, ties to even, for |x| below 2^22: adding 1.5 * 2^23 leaves no bits for a fraction.
inline Lanes roundToInteger(Lanes x) { return (x + 12582912.0f) - 12582912.0f; }

} // namespace quipu::quantization
