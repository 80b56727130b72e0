// The bytes of each blocked format's block, for the decoder, the encoder and those who repack blocks.
// runtime/Artifact/StorageFormat.h says what they mean.
#pragma once

#include <array>
#include <cstdint>

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

// `scales` are eight 6-bit scales s and eight 6-bit mins m. Of run r < 4: s is the low six bits of byte r, m those of
// byte r + 4. Of run r >= 4: the low four bits of s and m are the nibbles of byte r + 4, the high two bits of s are on
// top of byte r - 4 and those of m on top of byte r.
// Run 2g is the low nibbles of the 32 bytes from 32 g on, run 2g + 1 their high nibbles.
struct BlockQ4K {
  uint16_t d, dmin;
  uint8_t scales[12];
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

struct ScaleAndMin {
  uint8_t scale, min;
};

inline ScaleAndMin scaleAndMin(const BlockQ4K &block, int run) {
  const uint8_t *bytes = block.scales;
  if (run < 4)
    return {uint8_t(bytes[run] & 63), uint8_t(bytes[run + 4] & 63)};
  return {uint8_t((bytes[run + 4] & 15) | (bytes[run - 4] >> 6) << 4),
          uint8_t((bytes[run + 4] >> 4) | (bytes[run] >> 6) << 4)};
}

// ggml's kvalues_iq4nl: levels that lie closer together around zero, where most weights are.
inline constexpr std::array<int8_t, 16> iq4Levels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                     1,    13,   25,  38,  53,  69,  89,  113};

// A blocked format of integers per group, i8_g64 to i4_g128z: what its name says.
struct GroupFormat {
  int64_t elements;
  int bits; // 8 or 4
  bool hasZero;

  // Bytes before the integers: the scale and the zero point.
  int64_t headBytes() const { return hasZero ? 3 : 2; }
};

} // namespace quipu::quantization
