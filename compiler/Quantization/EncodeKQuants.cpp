#include "compiler/Quantization/EncodeKQuants.h"

#include <algorithm>
#include <cmath>

#pragma STDC FP_CONTRACT OFF

namespace quipu::quantization {
namespace {

constexpr LinearLevels fourBits = {0, 15}, sixBits = {-32, 31};
// Rounds of: the best integers for each run given the block's scales, then the best scales given the integers.
constexpr int refinements = 3;

// A candidate q4_k block: its two f16 scales and the integers of its eight runs.
struct Q4KScales {
  float d = 0, dmin = 0;
  std::array<int, 8> scale = {}, min = {};
  double error = 0;
};

Run runOf(const float *values, const float *importance, int64_t run, int64_t size) {
  return {values + run * size, importance + run * size, size};
}

int nearestInteger(float value, float unit, int lowest, int highest) {
  return unit == 0 ? 0 : std::clamp(int(std::lrint(std::clamp(value / unit, -1e6f, 1e6f))), lowest, highest);
}

// The integers of each run, near those they have, that err least.
void chooseRunScales(const float *values, const float *importance, Q4KScales &block) {
  block.error = 0;
  for (int r = 0; r < 8; ++r) {
    Run run = runOf(values, importance, r, 32);
    double best = INFINITY;
    int firstScale = block.scale[r], firstMin = block.min[r];
    for (int scale = std::max(0, firstScale - 1); scale <= std::min(63, firstScale + 1); ++scale)
      for (int min = std::max(0, firstMin - 1); min <= std::min(63, firstMin + 1); ++min) {
        double error = errorOf(run, fourBits, block.d * float(scale), block.dmin * float(min));
        if (error < best) {
          best = error;
          block.scale[r] = scale;
          block.min[r] = min;
        }
      }
    block.error += best;
  }
}

// Least squares for d and dmin with all integers held: x = d (s q) - dmin m.
void fitBlockScales(const float *values, const float *importance, Q4KScales &block) {
  double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
  for (int r = 0; r < 8; ++r) {
    Run run = runOf(values, importance, r, 32);
    float q[32];
    quantise(run, fourBits, block.d * float(block.scale[r]), block.dmin * float(block.min[r]), q);
    double b = -block.min[r];
    for (int j = 0; j < 32; ++j) {
      double a = double(q[j]) * block.scale[r], w = run.importance[j], x = run.values[j];
      aa += w * a * a;
      ab += w * a * b;
      bb += w * b * b;
      ax += w * a * x;
      bx += w * b * x;
    }
  }
  double determinant = aa * bb - ab * ab;
  if (determinant > 1e-9 * aa * bb) {
    block.d = halfRounded(float((ax * bb - bx * ab) / determinant));
    block.dmin = halfRounded(float((aa * bx - ab * ax) / determinant));
  } else if (aa > 0) {
    block.d = halfRounded(float((ax - double(block.dmin) * ab) / aa));
  }
}

Q4KScales searchQ4K(const float *values, const float *importance) {
  std::array<ScaleAndOffset, 8> runs;
  float largestScale = 0, largestMin = 0;
  for (int r = 0; r < 8; ++r) {
    runs[r] = searchScaleAndMin(runOf(values, importance, r, 32), fourBits.highest);
    largestScale = std::max(largestScale, runs[r].scale);
    largestMin = std::max(largestMin, runs[r].min);
  }
  Q4KScales block;
  block.d = halfRoundedAbove0(largestScale / 63);
  block.dmin = halfRoundedAbove0(largestMin / 63);
  for (int r = 0; r < 8; ++r) {
    block.scale[r] = nearestInteger(runs[r].scale, block.d, 0, 63);
    block.min[r] = nearestInteger(runs[r].min, block.dmin, 0, 63);
  }
  Q4KScales best; // all zeros
  best.error = errorOf({values, importance, 256}, fourBits, 0, 0);
  for (int round = 0; round < refinements; ++round) {
    chooseRunScales(values, importance, block);
    if (!(block.error < best.error))
      break;
    best = block;
    fitBlockScales(values, importance, block);
  }
  return best;
}

void setScaleAndMin(BlockQ4K &block, int run, int scale, int min) {
  uint8_t *bytes = block.scales;
  if (run < 4) {
    bytes[run] = uint8_t(bytes[run] | scale);
    bytes[run + 4] = uint8_t(bytes[run + 4] | min);
    return;
  }
  bytes[run + 4] = uint8_t((scale & 15) | (min & 15) << 4);
  bytes[run - 4] = uint8_t(bytes[run - 4] | (scale >> 4) << 6);
  bytes[run] = uint8_t(bytes[run] | (min >> 4) << 6);
}

// A candidate q6_k block.
struct Q6KScales {
  float d = 0;
  std::array<int, 16> scale = {};
  double error = 0;
};

void chooseRunScales(const float *values, const float *importance, Q6KScales &block) {
  block.error = 0;
  for (int r = 0; r < 16; ++r) {
    Run run = runOf(values, importance, r, 16);
    double best = INFINITY;
    int first = block.scale[r];
    for (int scale = std::max(-128, first - 1); scale <= std::min(127, first + 1); ++scale)
      if (double error = errorOf(run, sixBits, block.d * float(scale), 0); error < best) {
        best = error;
        block.scale[r] = scale;
      }
    block.error += best;
  }
}

void fitBlockScale(const float *values, const float *importance, Q6KScales &block) {
  double aa = 0, ax = 0;
  for (int r = 0; r < 16; ++r) {
    Run run = runOf(values, importance, r, 16);
    float q[16];
    quantise(run, sixBits, block.d * float(block.scale[r]), 0, q);
    for (int j = 0; j < 16; ++j) {
      double a = double(q[j]) * block.scale[r];
      aa += run.importance[j] * a * a;
      ax += run.importance[j] * a * run.values[j];
    }
  }
  if (aa > 0)
    block.d = halfRounded(float(ax / aa));
}

Q6KScales searchQ6K(const float *values, const float *importance) {
  std::array<float, 16> runs;
  float extreme = 0;
  for (int r = 0; r < 16; ++r) {
    runs[r] = searchScale(runOf(values, importance, r, 16), sixBits, 3);
    if (std::fabs(runs[r]) > std::fabs(extreme))
      extreme = runs[r];
  }
  Q6KScales block;
  block.d = halfRoundedAbove0(extreme / -128);
  for (int r = 0; r < 16; ++r)
    block.scale[r] = nearestInteger(runs[r], block.d, -128, 127);
  Q6KScales best; // all zeros
  best.error = errorOf({values, importance, 256}, sixBits, 0, 0);
  for (int round = 0; round < refinements; ++round) {
    chooseRunScales(values, importance, block);
    if (!(block.error < best.error))
      break;
    best = block;
    fitBlockScale(values, importance, block);
  }
  return best;
}

} // namespace

BlockQ4K encodeQ4K(const float *values, const float *importance) {
  Q4KScales chosen = searchQ4K(values, importance);
  BlockQ4K block = {};
  block.d = toHalf(chosen.d);
  block.dmin = toHalf(chosen.dmin);
  for (int r = 0; r < 8; ++r) {
    setScaleAndMin(block, r, chosen.scale[r], chosen.min[r]);
    float q[32];
    quantise(runOf(values, importance, r, 32), fourBits, chosen.d * float(chosen.scale[r]),
             chosen.dmin * float(chosen.min[r]), q);
    for (int j = 0; j < 32; ++j)
      block.nibbles[r / 2 * 32 + j] = uint8_t(block.nibbles[r / 2 * 32 + j] | int(q[j]) << (r % 2 * 4));
  }
  return block;
}

BlockQ6K encodeQ6K(const float *values, const float *importance) {
  Q6KScales chosen = searchQ6K(values, importance);
  BlockQ6K block = {};
  block.d = toHalf(chosen.d);
  for (int r = 0; r < 16; ++r) {
    block.scales[r] = int8_t(chosen.scale[r]);
    float q[16];
    quantise(runOf(values, importance, r, 16), sixBits, chosen.d * float(chosen.scale[r]), 0, q);
    for (int k = 0; k < 16; ++k) {
      int i = r * 16 + k, half = i / 128, part = i / 32 % 4, j = i % 32, level = int(q[k]) + 32;
      uint8_t &low = block.low[half][part % 2 * 32 + j], &high = block.high[half][j];
      low = uint8_t(low | (level & 15) << (part / 2 * 4));
      high = uint8_t(high | (level >> 4) << (part * 2));
    }
  }
  return block;
}

} // namespace quipu::quantization
