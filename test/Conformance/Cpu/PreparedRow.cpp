#include "test/Conformance/Cpu/PreparedRow.h"

#include "test/Conformance/KernelRow.h"

#include <algorithm>
#include <cmath>

namespace quipu::cpu::conformance {

using namespace quipu::conformance;

static float largestOf(const std::vector<float> &values) {
  float most = 0;
  for (float value : values)
    most = std::max(most, std::abs(value));
  return most;
}

// Rounds a run to int8, and what that leaves again where it takes two parts. `most`: the largest magnitude of the run,
// or of the row where a run is only as many powers of two finer as it has room for.
static void quantizeRun(std::vector<float> left, const PackedInput &form, float most, PreparedRow &row) {
  int64_t halvings = 0;
  while (form.hasShifts && halvings < PackedInput::mostShift && std::ldexp(largestOf(left), int(halvings) + 1) <= most)
    ++halvings;
  size_t first = row.used.size();
  row.used.resize(first + left.size());
  row.mostError.resize(first + left.size());
  bool roundsMinima = form.blocks->hasIntegerMinima() && PackedInput::mostShift - halvings < PackedInput::minimumShift;
  row.minimumError.resize(first + left.size(), roundsMinima ? std::ldexp(most / 127, -4) : 0);
  float factor = most > 1e-30f ? std::ldexp(127 / most, int(halvings)) : 0;
  float scale = std::ldexp(most / 127, -int(halvings));
  for (int64_t part = 0; part < form.parts; ++part, factor *= 254, scale /= 254)
    for (size_t k = 0; k < left.size(); ++k) {
      float integer = std::nearbyint(left[k] * factor);
      left[k] = std::fma(integer, -scale, left[k]);
      row.used[first + k] += double(integer) * double(scale);
      row.mostError[first + k] = factor == 0 ? most : scale * 0.501;
    }
}

PreparedRow prepare(std::vector<double> exact, const PackedInput &form) {
  PreparedRow row;
  std::vector<float> elements(exact.begin(), exact.end());
  row.exact = std::move(exact);
  if (form.blocks)
    for (auto run = elements.begin(); run != elements.end(); run += runColumns) {
      std::vector<float> ofRun(run, run + runColumns);
      quantizeRun(ofRun, form, largestOf(form.hasShifts ? elements : ofRun), row);
    }
  else
    for (double value : row.exact)
      row.used.push_back(form.bf16 ? fromBf16(toBf16(float(value))) : value);
  return row;
}

} // namespace quipu::cpu::conformance
