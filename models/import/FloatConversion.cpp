#include "models/import/FloatConversion.h"

#include "runtime/Support/HalfFloat.h"

#include <cstring>

namespace quipu::models {

namespace {

uint16_t halfFromFloat(float value) {
  uint32_t bits = bitCast<uint32_t>(value);
  uint32_t sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  // Below 2^-14 the half is subnormal, a multiple of 2^-24, which is the last bit of 0.5: the addition rounds.
  uint32_t subnormal = bitCast<uint32_t>(bitCast<float>(magnitude) + 0.5f) - bitCast<uint32_t>(0.5f);
  // Else drop 13 bits, rounding to even; a carry moves into the exponent, as it should.
  uint32_t normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  uint32_t half = magnitude < 0x38800000 ? subnormal : normal;
  half = magnitude >= 0x477ff000 ? 0x7c00 : half; // 65520 and above: nearer to 65536 than to the largest half
  half = magnitude > 0x7f800000 ? 0x7e00 : half;  // NaN
  return static_cast<uint16_t>(sign | half);
}

uint16_t bf16FromFloat(float value) {
  uint32_t bits = bitCast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  uint32_t quietNan = bits >> 16 | 0x40; // rounding could carry a NaN to infinity
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? quietNan : rounded);
}

} // namespace

void f16ToFloat(const std::byte *source, int64_t count, float *out) {
  for (int64_t i = 0; i < count; ++i) {
    uint16_t half;
    std::memcpy(&half, source + 2 * i, 2);
    out[i] = halfToFloat(half);
  }
}

void bf16ToFloat(const std::byte *source, int64_t count, float *out) {
  for (int64_t i = 0; i < count; ++i) {
    uint16_t high;
    std::memcpy(&high, source + 2 * i, 2);
    out[i] = quipu::bf16ToFloat(high);
  }
}

void floatToF16(const float *source, int64_t count, uint16_t *out) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = halfFromFloat(source[i]);
}

void floatToBf16(const float *source, int64_t count, uint16_t *out) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = bf16FromFloat(source[i]);
}

} // namespace quipu::models
