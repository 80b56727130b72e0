// The search for the scales of super-blocks: 256 elements in runs whose scales are small integers, in units of one f16
// scale of the whole block.
#pragma once

#include "compiler/Quantization/ScaleSearch.h"

#include <algorithm>
#include <cmath>

#pragma STDC FP_CONTRACT OFF

namespace quipu::quantization {

// Rounds of: the best integers for each run given the block's scales, then the best scales given the integers.
constexpr int refinements = 3;
constexpr int mostRuns = 16;

inline int nearestInteger(float value, float unit, int lowest, int highest) {
  return unit == 0 ? 0 : std::clamp(int(std::lrint(std::clamp(value / unit, -1e6f, 1e6f))), lowest, highest);
}

// 256 elements in runs.
struct SuperBlock {
  const float *values, *importance;
  int runs;

  int64_t runSize() const { return 256 / runs; }
  Run run(int r) const { return {values + r * runSize(), importance + r * runSize(), runSize()}; }
  Run all() const { return {values, importance, 256}; }
};

// x = d (s q) - dmin m: two f16 scales, and two integers for each run.
struct ScalesAndMins {
  float d = 0, dmin = 0;
  std::array<int, mostRuns> scale = {}, min = {};
  double error = 0;
};

// q2_k, q4_k, q5_k.
class MinimaEncoder {
public:
  MinimaEncoder(SuperBlock block, float highestLevel, int highestInteger)
      : block(block), levels{0, highestLevel}, highest(highestInteger) {}

  ScalesAndMins search() const {
    std::array<ScaleAndOffset, mostRuns> runs;
    float largestScale = 0, largestMin = 0;
    for (int r = 0; r < block.runs; ++r) {
      runs[size_t(r)] = searchScaleAndMin(block.run(r), levels.highest);
      largestScale = std::max(largestScale, runs[size_t(r)].scale);
      largestMin = std::max(largestMin, runs[size_t(r)].min);
    }
    ScalesAndMins found;
    found.d = halfRoundedAbove0(largestScale / float(highest));
    found.dmin = halfRoundedAbove0(largestMin / float(highest));
    for (int r = 0; r < block.runs; ++r) {
      found.scale[size_t(r)] = nearestInteger(runs[size_t(r)].scale, found.d, 0, highest);
      found.min[size_t(r)] = nearestInteger(runs[size_t(r)].min, found.dmin, 0, highest);
    }
    ScalesAndMins best; // all zeros
    best.error = errorOf(block.all(), levels, 0, 0);
    for (int round = 0; round < refinements; ++round) {
      chooseIntegers(found);
      if (!(found.error < best.error))
        break;
      best = found;
      fitScales(found);
    }
    return best;
  }

  // Levels of run r.
  void levelsOf(const ScalesAndMins &chosen, int r, float *out) const {
    auto i = size_t(r);
    quantise(block.run(r), levels, chosen.d * float(chosen.scale[i]), chosen.dmin * float(chosen.min[i]), out);
  }

private:
  // The integers of each run, near those they have, that err least.
  void chooseIntegers(ScalesAndMins &found) const {
    found.error = 0;
    for (int r = 0; r < block.runs; ++r) {
      double best = INFINITY;
      int &ownScale = found.scale[size_t(r)], &ownMin = found.min[size_t(r)];
      int firstScale = ownScale, firstMin = ownMin;
      for (int scale = std::max(0, firstScale - 1); scale <= std::min(highest, firstScale + 1); ++scale)
        for (int min = std::max(0, firstMin - 1); min <= std::min(highest, firstMin + 1); ++min) {
          double error = errorOf(block.run(r), levels, found.d * float(scale), found.dmin * float(min));
          if (error < best) {
            best = error;
            ownScale = scale;
            ownMin = min;
          }
        }
      found.error += best;
    }
  }

  // Least squares for d and dmin with all integers held.
  void fitScales(ScalesAndMins &found) const {
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
    for (int r = 0; r < block.runs; ++r) {
      Run run = block.run(r);
      float q[256];
      levelsOf(found, r, q);
      double b = -found.min[size_t(r)];
      for (int64_t j = 0; j < run.size; ++j) {
        double a = double(q[j]) * found.scale[size_t(r)], w = run.importance[j], x = run.values[j];
        aa += w * a * a;
        ab += w * a * b;
        bb += w * b * b;
        ax += w * a * x;
        bx += w * b * x;
      }
    }
    double determinant = aa * bb - ab * ab;
    if (determinant > 1e-9 * aa * bb) {
      found.d = halfRounded(float((ax * bb - bx * ab) / determinant));
      found.dmin = halfRounded(float((aa * bx - ab * ax) / determinant));
    } else if (aa > 0) {
      found.d = halfRounded(float((ax - double(found.dmin) * ab) / aa));
    }
  }

  SuperBlock block;
  LinearLevels levels;
  int highest;
};

// x = d (s l): an f16 scale, and an integer for each run.
struct Scales {
  float d = 0;
  std::array<int, mostRuns> scale = {};
  double error = 0;
};

// q3_k, q6_k, iq4_xs. Integers are from `lowest` to -lowest - 1.
template <typename Levels> class ScaleEncoder {
public:
  ScaleEncoder(SuperBlock block, const Levels &levels, int lowest, int spread)
      : block(block), levels(levels), lowest(lowest), spread(spread) {}

  Scales search() const {
    std::array<float, mostRuns> runs;
    float extreme = 0;
    for (int r = 0; r < block.runs; ++r) {
      runs[size_t(r)] = searchScale(block.run(r), levels, spread);
      if (std::fabs(runs[size_t(r)]) > std::fabs(extreme))
        extreme = runs[size_t(r)];
    }
    Scales found;
    found.d = halfRoundedAbove0(extreme / float(lowest));
    for (int r = 0; r < block.runs; ++r)
      found.scale[size_t(r)] = nearestInteger(runs[size_t(r)], found.d, lowest, -lowest - 1);
    Scales best; // all zeros
    best.error = errorOf(block.all(), levels, 0, 0);
    for (int round = 0; round < refinements; ++round) {
      chooseIntegers(found);
      if (!(found.error < best.error))
        break;
      best = found;
      fitScale(found);
    }
    return best;
  }

  void levelsOf(const Scales &chosen, int r, float *out) const {
    quantise(block.run(r), levels, chosen.d * float(chosen.scale[size_t(r)]), 0, out);
  }

private:
  void chooseIntegers(Scales &found) const {
    found.error = 0;
    for (int r = 0; r < block.runs; ++r) {
      double best = INFINITY;
      int &own = found.scale[size_t(r)], first = own;
      for (int scale = std::max(lowest, first - 1); scale <= std::min(-lowest - 1, first + 1); ++scale)
        if (double error = errorOf(block.run(r), levels, found.d * float(scale), 0); error < best) {
          best = error;
          own = scale;
        }
      found.error += best;
    }
  }

  void fitScale(Scales &found) const {
    double aa = 0, ax = 0;
    for (int r = 0; r < block.runs; ++r) {
      Run run = block.run(r);
      float q[256];
      levelsOf(found, r, q);
      for (int64_t j = 0; j < run.size; ++j) {
        double a = double(q[j]) * found.scale[size_t(r)];
        aa += run.importance[j] * a * a;
        ax += run.importance[j] * a * run.values[j];
      }
    }
    if (aa > 0)
      found.d = halfRounded(float(ax / aa));
  }

  SuperBlock block;
  const Levels &levels;
  int lowest, spread;
};

} // namespace quipu::quantization
