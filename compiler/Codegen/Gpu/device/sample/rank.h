// What decides among the tokens of a row: their ranks, and the noise of the draw. runtime/Artifact/RowSampling.h and
// compiler/Reference/Sampling.h are the word on both.
#pragma once
#include "compiler/Codegen/Gpu/device/memory.h"

struct alignas(16) RowSampling {
  float temperature;
  u32 topK;
  float topP, minP, repetitionPenalty;
  u32 reserved;
  u64 key;
};

// Integers in the order of the values; -0 equals 0, and a NaN is 0, below all.
QUIPU_DEVICE u32 orderedBits(float value) {
  u32 bits = floatBits(value + 0.0f);
  bits = bits >> 31 ? ~bits : bits | 0x80000000u;
  return value == value ? bits : 0;
}
QUIPU_DEVICE float valueOfBits(u32 ordered) { return bitsFloat(ordered >> 31 ? ordered & 0x7fffffffu : ~ordered); }

// The token with the larger rank comes first: the larger value, then the lower id. Ranks of numbers begin at
// leastRank; rank 0 is that of no token, and tokenOf gives -1 for it.
QUIPU_DEVICE u64 rankOf(float value, i32 token) { return u64(orderedBits(value)) << 32 | u32(~token); }
QUIPU_DEVICE i32 tokenOf(u64 rank) { return i32(~u32(rank)); }
QUIPU_DEVICE u32 keyOf(u64 rank) { return u32(rank >> 32); }
enum : u64 { leastRank = 1ull << 32 };

QUIPU_DEVICE u64 larger(u64 a, u64 b) { return b > a ? b : a; }

// The upper 32 bits of a token's noise.
QUIPU_DEVICE u32 noise(u64 key, i32 token) {
  u64 z = key + u64(u32(token)) * 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return u32((z ^ z >> 31) >> 32);
}

// When the token of weight 1 would arrive in the exponential race, E = -ln(1 - y), y = (noise + 0.5) / 2^32: above y.
// For small y the series, whose error is relative to E; a difference from 1 would have lost what orders the tokens
// that win.
QUIPU_DEVICE float arrival(u32 noise) {
  constexpr float unit = 1.0f / 4294967296.0f, ln2 = 0.693147180559945f;
  float y = (float(noise) + 0.5f) * unit;
  float series = y * (1.0f + y * (1.0f / 2 + y * (1.0f / 3 + y * (1.0f / 4 + y * (1.0f / 5 + y * (1.0f / 6))))));
  float logarithm = fastLog2((float(~noise) + 0.5f) * unit) * -ln2;
  return y < 0.0625f ? series : logarithm;
}
