#include "tools/quipu/Commands/Bench/Pairs.h"

#include <algorithm>
#include <cmath>

namespace quipu::tool {

Quartiles quartilesOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  auto at = [&](double part) {
    double place = part * static_cast<double>(values.size() - 1), below = std::floor(place);
    auto index = static_cast<size_t>(below);
    double next = values[std::min(index + 1, values.size() - 1)];
    return values[index] + (place - below) * (next - values[index]);
  };
  return {at(0.25), at(0.5), at(0.75)};
}

ContextCost contextCost(const std::vector<Pair> &pairs, double bytes) {
  std::vector<double> times, longer, explained, longerToExplained;
  for (const Pair &pair : pairs) {
    times.push_back(pair.step / pair.afterOne);
    longer.push_back(pair.step - pair.afterOne);
    if (double bandwidth = pair.probed.rate(); bandwidth > 0) {
      explained.push_back(bytes / bandwidth);
      longerToExplained.push_back(longer.back() / explained.back());
    }
  }
  ContextCost cost = {quartilesOf(times), quartilesOf(longer), {}, {}};
  if (!explained.empty()) {
    cost.explained = quartilesOf(explained);
    cost.longerToExplained = quartilesOf(longerToExplained);
  }
  return cost;
}

Quartiles batchGain(const std::vector<Pair> &pairs, uint32_t sequences) {
  std::vector<double> times;
  for (const Pair &pair : pairs)
    times.push_back(sequences * pair.alone / pair.step);
  return quartilesOf(times);
}

} // namespace quipu::tool
