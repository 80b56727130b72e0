// How far one model's next-token distributions are from another's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quipu::tool {

class Quality {
public:
  explicit Quality(uint32_t vocab) : vocab(vocab) {}

  // One position: logits [vocab] of the model that is measured and of the one it is held to, and the token that follows
  // in the text.
  void add(const float *logits, const float *reference, int32_t next);

  size_t positions() const { return divergences.size(); }
  double perplexity() const;
  // Kullback-Leibler divergence of the distributions from the reference's, in nats.
  double meanDivergence() const;
  double divergenceAt(double quantile) const; // 0.99: what 99 of 100 positions do not exceed
  // Share of positions where both have the same likeliest token.
  double agreement() const;
  bool isNumber() const; // false: some logit was none

private:
  uint32_t vocab;
  double surprise = 0;
  size_t agreed = 0;
  std::vector<double> divergences;
};

} // namespace quipu::tool
