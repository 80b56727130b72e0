#include "models/import/FloatConversion.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

using namespace quipu::models;

namespace {

// The value of a half by its definition (IEEE 754 binary16).
float halfValue(uint16_t half) {
  int exponent = half >> 10 & 31, mantissa = half & 1023;
  float sign = half & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31)
    return mantissa ? std::numeric_limits<float>::quiet_NaN() : sign * std::numeric_limits<float>::infinity();
  if (exponent == 0)
    return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
}

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

uint32_t toBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

uint16_t toHalf(float value) {
  uint16_t half;
  floatToF16(&value, 1, &half);
  return half;
}

uint16_t toBf16(float value) {
  uint16_t bf16;
  floatToBf16(&value, 1, &bf16);
  return bf16;
}

TEST(FloatConversion, every_half_has_its_value_at_any_alignment) {
  std::vector<std::byte> source(2 * 65536 + 1);
  for (uint32_t i = 0; i < 65536; ++i) {
    auto half = static_cast<uint16_t>(i);
    std::memcpy(&source[2 * i + 1], &half, 2);
  }
  std::vector<float> values(65536);
  f16ToFloat(&source[1], 65536, values.data());
  for (uint32_t i = 0; i < 65536; ++i) {
    float expected = halfValue(static_cast<uint16_t>(i));
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(values[i])) << i;
    else
      EXPECT_EQ(toBits(values[i]), toBits(expected)) << i; // by bits: -0 is not 0
  }
}

TEST(FloatConversion, every_bf16_is_the_upper_half_of_its_float) {
  std::vector<std::byte> source(2 * 65536);
  for (uint32_t i = 0; i < 65536; ++i) {
    auto bf16 = static_cast<uint16_t>(i);
    std::memcpy(&source[2 * i], &bf16, 2);
  }
  std::vector<float> values(65536);
  bf16ToFloat(source.data(), 65536, values.data());
  for (uint32_t i = 0; i < 65536; ++i)
    EXPECT_EQ(toBits(values[i]), i << 16);
}

TEST(FloatConversion, to_half_gives_the_nearest_with_ties_to_even) {
  for (uint32_t i = 0; i < 0x7c00; ++i) { // each half, and the middle between it and the next
    auto half = static_cast<uint16_t>(i);
    float low = halfValue(half), high = i + 1 == 0x7c00 ? 65536.0f : halfValue(static_cast<uint16_t>(i + 1));
    float middle = (low + high) / 2; // exact
    auto even = static_cast<uint16_t>(i % 2 ? i + 1 : i);
    ASSERT_EQ(toHalf(low), half);
    ASSERT_EQ(toHalf(-low), half | 0x8000);
    ASSERT_EQ(toHalf(middle), even);
    ASSERT_EQ(toHalf(std::nextafter(middle, 0.0f)), half);
    ASSERT_EQ(toHalf(std::nextafter(middle, 1e9f)), half + 1);
  }
  EXPECT_EQ(toHalf(1e30f), 0x7c00);
  EXPECT_EQ(toHalf(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_EQ(toHalf(1e-30f), 0);
  EXPECT_TRUE(std::isnan(halfValue(toHalf(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(FloatConversion, to_bf16_gives_the_nearest_with_ties_to_even) {
  for (uint32_t i = 0; i < 0x7f80; ++i) {
    auto even = static_cast<uint16_t>(i % 2 ? i + 1 : i);
    ASSERT_EQ(toBf16(fromBits(i << 16)), i);
    ASSERT_EQ(toBf16(fromBits(i << 16 | 0x8000)), even);
    ASSERT_EQ(toBf16(fromBits(i << 16 | 0x7fff)), i);
    ASSERT_EQ(toBf16(fromBits(i << 16 | 0x80008001)), (i + 1) | 0x8000);
  }
  EXPECT_EQ(toBf16(std::numeric_limits<float>::infinity()), 0x7f80);
  for (uint32_t nan : {0x7f800001u, 0x7fffffffu, 0xff800001u}) { // none of them may become infinity
    uint16_t bf16 = toBf16(fromBits(nan));
    EXPECT_TRUE(std::isnan(fromBits(static_cast<uint32_t>(bf16) << 16))) << nan;
  }
}

} // namespace
