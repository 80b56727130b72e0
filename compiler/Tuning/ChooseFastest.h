// Which of several candidates is the fastest, by times that are full of noise.
#pragma once

#include <cstddef>
#include <functional>

namespace quipu {

struct FastestChoice {
  size_t candidate = 0;
  double gain = 0; // of time, over candidate 0
};

// A candidate must be faster than the first by more than this, or the first stays.
constexpr double leastGain = 0.02;

// `seconds(i)` runs candidate i once. Candidates take turns, and each is judged by the median of its ratios to
// candidate 0 in the same round, so that a machine that gets slower or faster meanwhile changes nothing. The best of
// many seems faster than it is: it must show its gain again in rounds of candidate 0 and itself alone. About two
// seconds, more where one round of all takes longer than a third of that.
FastestChoice chooseFastest(size_t candidates, const std::function<double(size_t)> &seconds);

} // namespace quipu
