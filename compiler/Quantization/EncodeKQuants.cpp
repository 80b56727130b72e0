#include "compiler/Quantization/EncodeKQuants.h"

#include "compiler/Quantization/EncodeRuns.h"
#include "compiler/Quantization/SuperBlockSearch.h"

#pragma STDC FP_CONTRACT OFF

namespace quipu::quantization {
namespace {

void setScaleAndMin(uint8_t *bytes, int run, int scale, int min) {
  if (run < 4) {
    bytes[run] = uint8_t(bytes[run] | scale);
    bytes[run + 4] = uint8_t(bytes[run + 4] | min);
    return;
  }
  bytes[run + 4] = uint8_t((scale & 15) | (min & 15) << 4);
  bytes[run - 4] = uint8_t(bytes[run - 4] | (scale >> 4) << 6);
  bytes[run] = uint8_t(bytes[run] | (min >> 4) << 6);
}

void orInto(uint8_t &byte, int bits) { byte = uint8_t(byte | bits); }

// q4_k and q5_k.
template <typename Block> Block encodeWithMinima(const float *values, const float *importance, float highestLevel) {
  MinimaEncoder encoder({values, importance, 8}, highestLevel, 63);
  ScalesAndMins chosen = encoder.search();
  Block block = {};
  block.d = toHalf(chosen.d);
  block.dmin = toHalf(chosen.dmin);
  for (int r = 0; r < 8; ++r) {
    setScaleAndMin(block.scales, r, chosen.scale[size_t(r)], chosen.min[size_t(r)]);
    float q[32];
    encoder.levelsOf(chosen, r, q);
    for (int j = 0; j < 32; ++j) {
      orInto(block.nibbles[r / 2 * 32 + j], (int(q[j]) & 15) << (r % 2 * 4));
      if constexpr (std::is_same_v<Block, BlockQ5K>)
        orInto(block.high[j], int(q[j]) >> 4 << r);
    }
  }
  return block;
}

} // namespace

BlockQ4K encodeQ4K(const float *values, const float *importance) {
  return encodeWithMinima<BlockQ4K>(values, importance, 15);
}

BlockQ5K encodeQ5K(const float *values, const float *importance) {
  return encodeWithMinima<BlockQ5K>(values, importance, 31);
}

BlockQ2K encodeQ2K(const float *values, const float *importance) {
  MinimaEncoder encoder({values, importance, 16}, 3, 15);
  ScalesAndMins chosen = encoder.search();
  BlockQ2K block = {};
  block.d = toHalf(chosen.d);
  block.dmin = toHalf(chosen.dmin);
  for (int r = 0; r < 16; ++r) {
    block.scales[r] = uint8_t(chosen.scale[size_t(r)] | chosen.min[size_t(r)] << 4);
    float q[16];
    encoder.levelsOf(chosen, r, q);
    for (int k = 0; k < 16; ++k) {
      int i = r * 16 + k;
      orInto(block.pairs[i / 128][i % 32], int(q[k]) << i / 32 % 4 * 2);
    }
  }
  return block;
}

BlockQ3K encodeQ3K(const float *values, const float *importance) {
  constexpr LinearLevels threeBits = {-4, 3};
  ScaleEncoder encoder({values, importance, 16}, threeBits, -32, fourBitSpread);
  Scales chosen = encoder.search();
  BlockQ3K block = {};
  block.d = toHalf(chosen.d);
  for (int r = 0; r < 16; ++r) {
    int scale = chosen.scale[size_t(r)] + 32;
    orInto(block.scales[r % 8], (scale & 15) << r / 8 * 4);
    orInto(block.scales[8 + r % 4], scale >> 4 << r / 4 * 2);
    float q[16];
    encoder.levelsOf(chosen, r, q);
    for (int k = 0; k < 16; ++k) {
      int i = r * 16 + k, level = int(q[k]) + 4;
      orInto(block.pairs[i / 128][i % 32], (level & 3) << i / 32 % 4 * 2);
      orInto(block.high[i % 32], level >> 2 << i / 32);
    }
  }
  return block;
}

BlockQ6K encodeQ6K(const float *values, const float *importance) {
  constexpr LinearLevels sixBits = {-32, 31};
  ScaleEncoder encoder({values, importance, 16}, sixBits, -128, 3);
  Scales chosen = encoder.search();
  BlockQ6K block = {};
  block.d = toHalf(chosen.d);
  for (int r = 0; r < 16; ++r) {
    block.scales[r] = int8_t(chosen.scale[size_t(r)]);
    float q[16];
    encoder.levelsOf(chosen, r, q);
    for (int k = 0; k < 16; ++k) {
      int i = r * 16 + k, half = i / 128, part = i / 32 % 4, j = i % 32, level = int(q[k]) + 32;
      orInto(block.low[half][part % 2 * 32 + j], (level & 15) << (part / 2 * 4));
      orInto(block.high[half][j], level >> 4 << part * 2);
    }
  }
  return block;
}

BlockIq4Xs encodeIq4Xs(const float *values, const float *importance) {
  static const TableLevels levels(iq4Levels);
  ScaleEncoder encoder({values, importance, 8}, levels, -32, fourBitSpread);
  Scales chosen = encoder.search();
  BlockIq4Xs block = {};
  block.d = toHalf(chosen.d);
  for (int r = 0; r < 8; ++r) {
    int scale = chosen.scale[size_t(r)] + 32;
    orInto(block.lowScales[r / 2], (scale & 15) << r % 2 * 4);
    block.highScales = uint16_t(block.highScales | scale >> 4 << 2 * r);
    float q[32];
    encoder.levelsOf(chosen, r, q);
    uint8_t places[32];
    for (int j = 0; j < 32; ++j)
      places[j] = levels.indexOf(q[j]);
    storeNibbles(places, 32, block.nibbles + 16 * r);
  }
  return block;
}

} // namespace quipu::quantization
