#include "compiler/Tuning/ChooseFastest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace quipu {
namespace {

constexpr double secondsOfRounds = 1;
constexpr size_t fewestRounds = 3, mostRounds = 15;

double median(std::vector<double> values) {
  auto middle = values.begin() + ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Of each candidate to the first of the list; rounds begin with another candidate each time.
std::vector<double> medianRatios(const std::vector<size_t> &candidates, const std::function<double(size_t)> &seconds) {
  std::vector<std::vector<double>> ratios(candidates.size());
  std::vector<double> times(candidates.size());
  double spent = 0;
  for (size_t round = 0; round < mostRounds && (round < fewestRounds || spent < secondsOfRounds); ++round) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      size_t turn = (i + round) % candidates.size();
      times[turn] = seconds(candidates[turn]);
    }
    spent += std::accumulate(times.begin(), times.end(), 0.0);
    for (size_t i = 0; i < candidates.size(); ++i)
      ratios[i].push_back(times[0] > 0 ? times[i] / times[0] : 1);
  }
  std::vector<double> medians;
  medians.reserve(ratios.size());
  for (std::vector<double> &own : ratios)
    medians.push_back(median(std::move(own)));
  return medians;
}

} // namespace

FastestChoice chooseFastest(size_t candidates, const std::function<double(size_t)> &seconds) {
  if (candidates < 2)
    return {};
  std::vector<size_t> all(candidates);
  std::iota(all.begin(), all.end(), size_t(0));
  for (size_t candidate : all)
    seconds(candidate); // code and tables into caches
  std::vector<double> ratios = medianRatios(all, seconds);
  auto best = size_t(std::min_element(ratios.begin(), ratios.end()) - ratios.begin());
  if (ratios[best] > 1 - leastGain)
    return {};
  double again = medianRatios({0, best}, seconds)[1];
  if (again > 1 - leastGain)
    return {};
  return {best, 1 - again};
}

} // namespace quipu
