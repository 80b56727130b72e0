// The bytes of each blocked format's block, for the decoder, the encoder and those who repack blocks.
// runtime/Artifact/StorageFormat.h says what they mean.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace quipu::quantization {

// Scales are f16 bits. Blocks lie in no way aligned: they are copied in and out.
#pragma pack(push, 1)

struct BlockQ8_0 {
  uint16_t d;
  int8_t q[32];
};

// Also iq4_nl.
struct BlockQ4_0 {
  uint16_t d;
  uint8_t nibbles[16];
};

// Element j's high bit is bit j of `high`, a little-endian number.
struct BlockQ4_1 {
  uint16_t d, m;
  uint8_t nibbles[16];
};

struct BlockQ5_0 {
  uint16_t d;
  uint8_t high[4], nibbles[16];
};

struct BlockQ5_1 {
  uint16_t d, m;
  uint8_t high[4], nibbles[16];
};

struct BlockMxfp4 {
  uint8_t exponent;
  uint8_t nibbles[16];
};

// `scales` are eight 6-bit scales s and eight 6-bit mins m. Of run r < 4: s is the low six bits of byte r, m those of
// byte r + 4. Of run r >= 4: the low four bits of s and m are the nibbles of byte r + 4, the high two bits of s are on
// top of byte r - 4 and those of m on top of byte r.
// Run 2g is the low nibbles of the 32 bytes from 32 g on, run 2g + 1 their high nibbles.
struct BlockQ4K {
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t nibbles[128];
};

// As q4_k; the high bit of element j of run r is bit r of byte j of `high`.
struct BlockQ5K {
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t high[32];
  uint8_t nibbles[128];
};

// Element 32 p + j of half h is bit pair p of byte j of pairs[h]. A byte of `scales` is the scale (low) and the minimum
// of a run of 16.
struct BlockQ2K {
  uint8_t scales[16];
  uint8_t pairs[2][32];
  uint16_t d, dmin;
};

// Bit pairs as in q2_k; the high bit of element 32 r + j is bit r of byte j of `high`.
struct BlockQ3K {
  uint8_t high[32];
  uint8_t pairs[2][32];
  uint8_t scales[12];
  uint16_t d;
};

// Run r of 32 has bytes 16 r to 16 r + 15 of `nibbles`, as a block of iq4_nl does.
struct BlockIq4Xs {
  uint16_t d, highScales;
  uint8_t lowScales[4];
  uint8_t nibbles[128];
};

// Of each half of 128 elements: element 32 p + j (p < 4) has its low four bits in nibble p / 2 of byte 32 (p % 2) + j
// of `low`, its high two bits at bit 2 p of byte j of `high`; `scales` are those of runs of 16 in order.
struct BlockQ6K {
  uint8_t low[2][64];
  uint8_t high[2][32];
  int8_t scales[16];
  uint16_t d;
};

#pragma pack(pop)

static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4K) == 144 && sizeof(BlockQ6K) == 210);
static_assert(sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24 &&
              sizeof(BlockMxfp4) == 17 && sizeof(BlockQ5K) == 176 && sizeof(BlockQ2K) == 84 &&
              sizeof(BlockQ3K) == 110 && sizeof(BlockIq4Xs) == 136);

struct ScaleAndMin {
  uint8_t scale, min;
};

// Of q4_k and q5_k: `bytes` are their scales.
inline ScaleAndMin scaleAndMin(const uint8_t *bytes, int run) {
  if (run < 4)
    return {uint8_t(bytes[run] & 63), uint8_t(bytes[run + 4] & 63)};
  return {uint8_t((bytes[run + 4] & 15) | (bytes[run - 4] >> 6) << 4),
          uint8_t((bytes[run + 4] >> 4) | (bytes[run] >> 6) << 4)};
}

// -32 to 31. Of q3_k: the low four bits of scale r are a nibble of byte r % 8 of `bytes`, its high two bits are bit
// pair r / 4 of byte 8 + r % 4.
inline int scaleOfQ3K(const uint8_t *bytes, int run) {
  return (bytes[run % 8] >> run / 8 * 4 & 15) + ((bytes[8 + run % 4] >> run / 4 * 2 & 3) << 4) - 32;
}

// -32 to 31.
inline int scaleOfIq4Xs(const BlockIq4Xs &block, int run) {
  return (block.lowScales[run / 2] >> run % 2 * 4 & 15) + ((block.highScales >> 2 * run & 3) << 4) - 32;
}

// ggml's kvalues_iq4nl: levels that lie closer together around zero, where most weights are.
inline constexpr std::array<int8_t, 16> iq4Levels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                     1,    13,   25,  38,  53,  69,  89,  113};

// Twice the numbers of e2m1, the FP4 of the OCP microscaling formats: two exponent bits, one of mantissa. Index 8 is
// -0, which the product with a scale does not show.
inline constexpr std::array<int8_t, 16> fp4Levels = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(byte - 128); its lowest two are subnormal. 255, which stands for no number in e8m0, is 2^127, as ggml has it.
inline float scaleOfExponent(uint8_t byte) {
  uint32_t bits = byte < 2 ? uint32_t(0x00200000) << byte : uint32_t(byte - 1) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return scale;
}

// A blocked format of integers per group, i8_g64 to i4_g128z: what its name says.
struct GroupFormat {
  int64_t elements;
  int bits; // 8 or 4
  bool hasZero;

  // Bytes before the integers: the scale and the zero point.
  int64_t headBytes() const { return hasZero ? 3 : 2; }
};

} // namespace quipu::quantization
