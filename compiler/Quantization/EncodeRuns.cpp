#include "compiler/Quantization/EncodeRuns.h"

#include <algorithm>
#include <cmath>

#pragma STDC FP_CONTRACT OFF

namespace quipu::quantization {
namespace {

// x is near d q + m, both as f16 has them.
struct ScaleAndM {
  float d = 0, m = 0;
};

// Least squares for the levels that another pair leads to.
ScaleAndM fitted(const Run &run, const LinearLevels &levels, ScaleAndM from) {
  float q[32];
  quantise(run, levels, from.d, -from.m, q);
  double w = 0, l = 0, ll = 0, x = 0, xl = 0;
  for (int j = 0; j < 32; ++j) {
    double wj = run.importance[j], lj = q[j], xj = run.values[j];
    w += wj;
    l += wj * lj;
    ll += wj * lj * lj;
    x += wj * xj;
    xl += wj * xj * lj;
  }
  double determinant = w * ll - l * l;
  if (determinant <= 1e-9 * w * ll)
    return from;
  return {halfRoundedAbove0(float((w * xl - l * x) / determinant)),
          halfRounded(float((ll * x - l * xl) / determinant))};
}

ScaleAndM searchScaleAndM(const Run &run, float highest) {
  LinearLevels levels = {0, highest};
  ScaleAndM best;
  double least = errorOf(run, levels, 0, 0);
  auto offer = [&](ScaleAndM pair) {
    double error = errorOf(run, levels, pair.d, -pair.m);
    if (!(error < least))
      return;
    least = error;
    best = pair;
  };
  for (bool anyMin : {true, false}) {
    ScaleAndOffset found = searchScaleAndMin(run, highest, anyMin);
    ScaleAndM pair = {halfRoundedAbove0(found.scale), halfRounded(-found.min)};
    for (int round = 0; round < 3; ++round, pair = fitted(run, levels, pair)) {
      offer(pair);
      if (pair.d < coarseHalf)
        offer({pair.d + leastHalf, pair.m});
    }
  }
  return best;
}

// Writes the low four bits of the levels, and gives the fifth ones.
uint32_t storeFiveBits(const uint8_t *levels, uint8_t *nibbles) {
  uint8_t low[32];
  uint32_t high = 0;
  for (int j = 0; j < 32; ++j) {
    low[j] = uint8_t(levels[j] & 15);
    high |= uint32_t(levels[j] >> 4) << j;
  }
  storeNibbles(low, 32, nibbles);
  return high;
}

// The levels of a run as unsigned integers, `add` above them.
void levelsOf(const Run &run, const LinearLevels &levels, float scale, float offset, int add, uint8_t *out) {
  float q[32];
  quantise(run, levels, scale, offset, q);
  for (int j = 0; j < 32; ++j)
    out[j] = uint8_t(int(q[j]) + add);
}

void storeTableLevels(const Run &run, const TableLevels &levels, float scale, uint8_t *nibbles) {
  float q[32];
  quantise(run, levels, scale, 0, q);
  uint8_t places[32];
  for (int j = 0; j < 32; ++j)
    places[j] = levels.indexOf(q[j]);
  storeNibbles(places, 32, nibbles);
}

} // namespace

void storeNibbles(const uint8_t *levels, int64_t elements, uint8_t *out) {
  for (int64_t i = 0; i < elements / 2; ++i) {
    int64_t first = i / 16 * 32 + i % 16;
    out[i] = uint8_t(levels[first] | levels[first + 16] << 4);
  }
}

BlockQ4_1 encodeQ4_1(const Run &run) {
  ScaleAndM chosen = searchScaleAndM(run, 15);
  BlockQ4_1 block = {toHalf(chosen.d), toHalf(chosen.m), {}};
  uint8_t levels[32];
  levelsOf(run, {0, 15}, chosen.d, -chosen.m, 0, levels);
  storeNibbles(levels, 32, block.nibbles);
  return block;
}

BlockQ5_0 encodeQ5_0(const Run &run) {
  LinearLevels all = {-16, 15};
  float d = searchScale(run, all, fourBitSpread);
  BlockQ5_0 block = {toHalf(d), {}, {}};
  uint8_t levels[32];
  levelsOf(run, all, d, 0, 16, levels);
  uint32_t high = storeFiveBits(levels, block.nibbles);
  std::memcpy(block.high, &high, sizeof high);
  return block;
}

BlockQ5_1 encodeQ5_1(const Run &run) {
  ScaleAndM chosen = searchScaleAndM(run, 31);
  BlockQ5_1 block = {toHalf(chosen.d), toHalf(chosen.m), {}, {}};
  uint8_t levels[32];
  levelsOf(run, {0, 31}, chosen.d, -chosen.m, 0, levels);
  uint32_t high = storeFiveBits(levels, block.nibbles);
  std::memcpy(block.high, &high, sizeof high);
  return block;
}

BlockQ4_0 encodeIq4Nl(const Run &run) {
  static const TableLevels levels(iq4Levels);
  float d = searchScale(run, levels, fourBitSpread);
  BlockQ4_0 block = {toHalf(d), {}};
  storeTableLevels(run, levels, d, block.nibbles);
  return block;
}

// The power of two of least error among the one that reaches the largest magnitude and the two below it.
BlockMxfp4 encodeMxfp4(const Run &run) {
  static const TableLevels levels(fp4Levels);
  float largest = 0;
  for (int64_t j = 0; j < run.size; ++j)
    largest = std::max(largest, std::fabs(run.values[j]));
  constexpr int lowest = 2; // of those below it the inverse is no number
  int reaching = lowest;
  while (reaching < 254 && scaleOfExponent(uint8_t(reaching)) * levels.highest < largest)
    ++reaching;
  BlockMxfp4 block = {};
  double least = INFINITY;
  for (int exponent = std::max(lowest, reaching - 2); exponent <= reaching; ++exponent) {
    double error = errorOf(run, levels, scaleOfExponent(uint8_t(exponent)), 0);
    if (error < least) {
      least = error;
      block.exponent = uint8_t(exponent);
    }
  }
  storeTableLevels(run, levels, scaleOfExponent(block.exponent), block.nibbles);
  return block;
}

} // namespace quipu::quantization
