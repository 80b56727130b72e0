// The search for the scale of a run of elements: several are tried, each is made the best for the levels it leads to
// (weighted least squares), and the one with the least error stays. Rounding to the largest magnitude alone spends
// levels on one outlier; for 4 bits the best scale has about a third less squared error.
#pragma once

#include "compiler/Quantization/Lanes.h"
#include "runtime/Support/HalfFloat.h"

#include <array>
#include <vector>

namespace quipu::quantization {

// A run of elements and how much each counts; `size` is a multiple of 16.
struct Run {
  const float *values;
  const float *importance;
  int64_t size;
};

// Integers from `lowest` to `highest`.
struct LinearLevels {
  float lowest, highest;

  // The level nearest to each x.
  Lanes nearest(Lanes x) const { return roundToInteger(atMost(atLeast(x, all(lowest)), all(highest))); }
};

// The levels of a table, such as iq4_nl's.
class TableLevels {
public:
  explicit TableLevels(const std::array<int8_t, 16> &table);

  Lanes nearest(Lanes x) const;
  // Where the table has a level.
  uint8_t indexOf(float level) const;

  float lowest, highest;

private:
  const std::array<int8_t, 16> &table;
  std::array<float, 15> middles, steps; // between two neighbours
};

// Scale d such that the levels nearest to x / d, times d, are near x. `spread` scales are tried below and above the one
// that just reaches the largest magnitude. 0 where nothing is better than all zeros.
template <typename Levels> float searchScale(const Run &run, const Levels &levels, int spread);

struct ScaleAndOffset {
  float scale, min; // x is near scale * q - min, scale >= 0
  double error;
};

// The same for levels 0 to `highest` above an offset. `anyMin`: a min may be negative.
ScaleAndOffset searchScaleAndMin(const Run &run, float highest, bool anyMin = false);

// Weighted squared error of (level nearest to (x + offset) / scale) * scale - offset; scale may be 0.
template <typename Levels> double errorOf(const Run &run, const Levels &levels, float scale, float offset);

// The levels themselves.
template <typename Levels> void quantise(const Run &run, const Levels &levels, float scale, float offset, float *out);

// As f16 rounds it, kept finite.
uint16_t toHalf(float value);
inline float halfRounded(float value) { return halfToFloat(toHalf(value)); }
// Below coarseHalf f16 has steps of leastHalf, its least number: nothing, or much less, may be left of a scale that is
// rounded down there. With one that is too large at least the levels near zero are of use.
constexpr float leastHalf = 0x1p-24f, coarseHalf = 0x1p-14f;
inline float halfRoundedAbove0(float value) {
  float rounded = halfRounded(value);
  return rounded != 0 || value == 0 ? rounded : value < 0 ? -leastHalf : leastHalf;
}

} // namespace quipu::quantization
