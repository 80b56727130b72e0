#include "tools/quipu/Quality.h"
#include "tools/quipu/TextWindows.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quipu::tool {

void Quality::add(const float *logits, const float *reference, int32_t next) {
  double sum = logSum(logits, vocab), referenceSum = logSum(reference, vocab), divergence = 0;
  for (uint32_t i = 0; i < vocab; ++i) {
    double expected = static_cast<double>(reference[i]) - referenceSum;
    divergence += std::exp(expected) * (expected - (static_cast<double>(logits[i]) - sum));
  }
  divergences.push_back(divergence);
  surprise += sum - static_cast<double>(logits[next]);
  agreed +=
      std::max_element(logits, logits + vocab) - logits == std::max_element(reference, reference + vocab) - reference;
}

double Quality::perplexity() const { return std::exp(surprise / static_cast<double>(positions())); }

double Quality::meanDivergence() const {
  return std::accumulate(divergences.begin(), divergences.end(), 0.0) / static_cast<double>(positions());
}

double Quality::divergenceAt(double quantile) const {
  std::vector<double> sorted = divergences;
  auto rank = static_cast<ptrdiff_t>(std::ceil(quantile * static_cast<double>(sorted.size()))) - 1;
  auto at = sorted.begin() + std::clamp<ptrdiff_t>(rank, 0, static_cast<ptrdiff_t>(sorted.size()) - 1);
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

double Quality::agreement() const { return static_cast<double>(agreed) / static_cast<double>(positions()); }

bool Quality::isNumber() const { return !std::isnan(surprise) && !std::isnan(meanDivergence()); }

} // namespace quipu::tool
