// The values of 16-bit floats. No branches and no calls, so loops over these become vector code on every x86-64.
#pragma once

#include <cstdint>
#include <cstring>

namespace quipu {

template <typename To, typename From> To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

// A half is s eeeee mmmmmmmmmm. Shifted left by 13 bits, exponent and mantissa lie where a float's are, but for the
// bias, which is 127 - 15 = 112 too small. A subnormal half is m 2^-24, and the last bit of 0.5 is worth 2^-24.
// (Scaling by 2^112 would do for both, but gives zero for subnormals on a thread that flushes them.)
inline float halfToFloat(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  uint32_t mantissa = half & 0x3ff, exponent = half & 0x7c00;
  uint32_t shifted = static_cast<uint32_t>(half & 0x7fff) << 13;
  uint32_t subnormal = bitCast<uint32_t>(bitCast<float>(0x3f000000 | mantissa) - 0.5f);
  uint32_t magnitude = exponent == 0 ? subnormal : shifted + (112u << 23);
  magnitude = exponent == 0x7c00 ? shifted | 0x7f800000 : magnitude; // infinity and NaN
  return bitCast<float>(sign | magnitude);
}

inline float bf16ToFloat(uint16_t high) { return bitCast<float>(static_cast<uint32_t>(high) << 16); }

} // namespace quipu
