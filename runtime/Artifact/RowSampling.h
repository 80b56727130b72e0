// How the next token of one row of logits is chosen: a row of the step input `sampling`. What the numbers mean to the
// last bit is in compiler/Reference/Sampling.h; kernels trust that they are in the ranges given here.
#pragma once

#include <cstdint>

namespace quipu {

struct RowSampling {
  float temperature = 0;       // 0: the largest wins; else a normal number above 0
  uint32_t topK = 0;           // 0: off
  float topP = 1;              // (0, 1]; 1: off
  float minP = 0;              // [0, 1]; 0: off
  float repetitionPenalty = 1; // above 0, finite; 1: off, and the row's `seen` is not read
  uint32_t reserved = 0;
  uint64_t key = 0; // of the noise
};
static_assert(sizeof(RowSampling) == 32, "a row of the step input `sampling` is 32 bytes");

// Words of a row of the step input `seen`: bit token % 32 of word token / 32 says that the sequence has the token.
constexpr uint64_t seenWords(uint64_t vocabulary) { return (vocabulary + 31) / 32; }

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014), a bijection that scatters every bit.
constexpr uint64_t splitMix64(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
constexpr uint64_t splitMix64Step = 0x9e3779b97f4a7c15;

// The 64 bits that the noise of a token is made from.
constexpr uint64_t noiseBits(uint64_t key, uint64_t token) { return splitMix64(key + token * splitMix64Step); }

} // namespace quipu
