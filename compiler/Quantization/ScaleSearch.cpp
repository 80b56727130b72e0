#include "compiler/Quantization/ScaleSearch.h"

#include "compiler/Quantization/Blocks.h"
#include "models/import/FloatConversion.h"

#include <algorithm>
#include <cmath>

// Every machine is to round alike, fused multiply-add or not.
#pragma STDC FP_CONTRACT OFF

namespace quipu::quantization {
namespace {

constexpr float largestHalf = 65504;

// Sums over a run with levels l: what the best scale and its error are made of.
struct ScaleSums {
  double xl, ll;

  // Squared error taken away from that of all zeros, by the best scale xl / ll, and by another.
  double gain() const { return ll > 0 ? xl * xl / ll : 0; }
  double gain(double scale) const { return 2 * scale * xl - scale * scale * ll; }
};

template <typename Levels> ScaleSums sumsFor(const Run &run, const Levels &levels, float inverse) {
  Lanes xl = {}, ll = {};
  for (int64_t i = 0; i < run.size; i += laneCount) {
    Lanes x = load(run.values + i), l = levels.nearest(x * inverse), wl = load(run.importance + i) * l;
    xl += wl * x;
    ll += wl * l;
  }
  return {sum(xl), sum(ll)};
}

// The element of the largest magnitude, with its sign.
float extremeOf(const Run &run) {
  float extreme = 0;
  for (int64_t i = 0; i < run.size; ++i)
    if (std::fabs(run.values[i]) > std::fabs(extreme))
      extreme = run.values[i];
  return extreme;
}

} // namespace

uint16_t toHalf(float value) {
  value = std::clamp(value, -largestHalf, largestHalf);
  uint16_t bits;
  models::floatToF16(&value, 1, &bits);
  return bits;
}

TableLevels::TableLevels(const std::array<int8_t, 16> &table) : table(table) {
  std::array<int8_t, 16> sorted = table;
  std::sort(sorted.begin(), sorted.end());
  lowest = sorted.front();
  highest = sorted.back();
  for (size_t i = 0; i < middles.size(); ++i) {
    middles[i] = 0.5f * float(sorted[i] + sorted[i + 1]);
    steps[i] = float(sorted[i + 1] - sorted[i]);
  }
}

Lanes TableLevels::nearest(Lanes x) const {
  Lanes level = all(lowest);
  for (size_t i = 0; i < middles.size(); ++i)
    level += x > middles[i] ? all(steps[i]) : Lanes{};
  return level;
}

uint8_t TableLevels::indexOf(float level) const {
  return uint8_t(std::find(table.begin(), table.end(), int8_t(level)) - table.begin());
}

template <typename Levels> float searchScale(const Run &run, const Levels &levels, int spread) {
  float extreme = extremeOf(run);
  if (extreme == 0)
    return 0;
  double bestGain = 0;
  float best = 0;
  // The extreme on the longer side of the levels, and on the shorter.
  for (float end : {levels.lowest, levels.highest})
    for (int step = -spread; step <= spread; ++step) {
      float inverse = end * (1 + 0.012f * float(step)) / extreme;
      if (!std::isfinite(inverse))
        continue;
      ScaleSums sums = sumsFor(run, levels, inverse);
      if (sums.gain() <= bestGain || sums.ll == 0)
        continue;
      float rounded = halfRounded(float(sums.xl / sums.ll));
      if (double gain = sums.gain(rounded); gain > bestGain) {
        bestGain = gain;
        best = rounded;
      }
    }
  if (std::fabs(best) < coarseHalf) {
    auto gain = [&](float scale) { return scale != 0 ? sumsFor(run, levels, 1 / scale).gain(scale) : 0; };
    float next = best + (best < 0 ? -leastHalf : leastHalf);
    best = gain(next) > gain(best) ? next : best;
  }
  // The rounded scale may lead to better levels, and those to a better scale.
  for (int round = 0; round < 2 && best != 0; ++round) {
    ScaleSums sums = sumsFor(run, levels, 1 / best);
    float next = sums.ll > 0 ? halfRounded(float(sums.xl / sums.ll)) : best;
    if (next == best || sums.gain(next) <= sums.gain(best))
      break;
    best = next;
  }
  return best;
}

template float searchScale(const Run &, const LinearLevels &, int);
template float searchScale(const Run &, const TableLevels &, int);

ScaleAndOffset searchScaleAndMin(const Run &run, float highest, bool anyMin) {
  float low = anyMin ? run.values[0] : 0, high = run.values[0];
  Lanes w1 = {}, wx1 = {}, wxx1 = {};
  for (int64_t i = 0; i < run.size; ++i) {
    low = std::min(low, run.values[i]);
    high = std::max(high, run.values[i]);
  }
  for (int64_t i = 0; i < run.size; i += laneCount) {
    Lanes x = load(run.values + i), w = load(run.importance + i);
    w1 += w;
    wx1 += w * x;
    wxx1 += w * x * x;
  }
  double w = sum(w1), wx = sum(wx1), wxx = sum(wxx1);
  ScaleAndOffset best = {0, -low, wxx + 2 * double(-low) * wx + double(low) * low * w};
  if (!(high > low))
    return best;
  LinearLevels levels = {0, highest};
  for (int step = -14; step <= 12; ++step) {
    float inverse = (highest + 0.1f * float(step)) / (high - low);
    if (!std::isfinite(inverse))
      continue;
    Lanes l1 = {}, ll1 = {}, xl1 = {};
    for (int64_t i = 0; i < run.size; i += laneCount) {
      Lanes x = load(run.values + i), l = levels.nearest((x - low) * inverse), wl = load(run.importance + i) * l;
      l1 += wl;
      ll1 += wl * l;
      xl1 += wl * x;
    }
    double l = sum(l1), ll = sum(ll1), xl = sum(xl1), determinant = w * ll - l * l;
    double scale = determinant > 0 ? (w * xl - wx * l) / determinant : 0;
    double min = determinant > 0 ? (l * xl - ll * wx) / determinant : -1;
    if (min < 0 && !(anyMin && determinant > 0)) {
      min = 0;
      scale = ll > 0 ? xl / ll : 0;
    }
    double error = wxx + scale * scale * ll + min * min * w - 2 * scale * xl + 2 * min * wx - 2 * scale * min * l;
    if (scale > 0 && error < best.error)
      best = {float(scale), float(min), error};
  }
  return best;
}

template <typename Levels> double errorOf(const Run &run, const Levels &levels, float scale, float offset) {
  float inverse = scale == 0 ? 0 : 1 / scale;
  Lanes error = {};
  for (int64_t i = 0; i < run.size; i += laneCount) {
    Lanes x = load(run.values + i), difference = levels.nearest((x + offset) * inverse) * scale - offset - x;
    error += load(run.importance + i) * difference * difference;
  }
  return sum(error);
}

template double errorOf(const Run &, const LinearLevels &, float, float);
template double errorOf(const Run &, const TableLevels &, float, float);

template <typename Levels> void quantise(const Run &run, const Levels &levels, float scale, float offset, float *out) {
  float inverse = scale == 0 ? 0 : 1 / scale;
  for (int64_t i = 0; i < run.size; i += laneCount) {
    Lanes level = levels.nearest((load(run.values + i) + offset) * inverse);
    std::memcpy(out + i, &level, sizeof(Lanes));
  }
}

template void quantise(const Run &, const LinearLevels &, float, float, float *);
template void quantise(const Run &, const TableLevels &, float, float, float *);

} // namespace quipu::quantization
