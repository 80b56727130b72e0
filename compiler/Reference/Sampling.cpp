#include "compiler/Reference/Sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace quipu::reference {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Candidate {
  int32_t token;
  float value;
  double weight = 0;
  double before = 0; // weights of all that rank before it
};

// All tokens with a logit, in the order of their rank.
std::vector<Candidate> rank(const double *logits, int64_t count, const RowSampling &sampling, const uint32_t *seen) {
  std::vector<Candidate> candidates;
  for (int64_t token = 0; token < count; ++token) {
    auto value = static_cast<float>(logits[token]);
    if (std::isnan(value))
      continue;
    if (sampling.repetitionPenalty != 1 && (seen[token / 32] >> (token % 32) & 1) != 0)
      value = value > 0 ? value / sampling.repetitionPenalty : value * sampling.repetitionPenalty;
    candidates.push_back({static_cast<int32_t>(token), value});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate &a, const Candidate &b) {
    return a.value != b.value ? a.value > b.value : a.token < b.token;
  });
  return candidates;
}

// Gives the candidates their weights; the sum of all.
double weigh(std::vector<Candidate> &candidates, double temperature) {
  double total = 0;
  for (Candidate &candidate : candidates) {
    candidate.weight = std::exp((double(candidate.value) - candidates.front().value) / temperature);
    candidate.before = total;
    total += candidate.weight;
  }
  return total;
}

// How far a candidate is inside of top-p and of min-p; below 0, outside.
struct Standing {
  double topP, minP;

  bool stays() const { return topP > 0 && minP >= 0; }
  double margin() const { return std::min(topP, minP); }
};

double noise(uint64_t key, int32_t token) {
  double y = (double(noiseBits(key, uint64_t(token)) >> 32) + 0.5) * 0x1p-32;
  return -std::log(-std::log1p(-y));
}

} // namespace

SampledToken sampleRow(const double *logits, int64_t count, const RowSampling &sampling, const uint32_t *seen) {
  std::vector<Candidate> candidates = rank(logits, count, sampling, seen);
  if (candidates.empty())
    return {-1, infinity};
  float largest = candidates.front().value;
  if (sampling.temperature == 0 || std::isinf(largest))
    return {candidates.front().token, infinity};
  if (sampling.topK > 0 && sampling.topK < candidates.size())
    candidates.resize(sampling.topK);
  double total = weigh(candidates, sampling.temperature);

  auto standing = [&](const Candidate &candidate) -> Standing {
    bool first = &candidate == &candidates.front();
    return {first || sampling.topP == 1 ? infinity : sampling.topP - candidate.before / total,
            candidate.value == largest || sampling.minP == 0 ? infinity : candidate.weight / sampling.minP - 1};
  };
  auto score = [&](const Candidate &candidate) {
    return (double(candidate.value) - largest) / sampling.temperature + noise(sampling.key, candidate.token);
  };
  const Candidate *winner = nullptr;
  double best = -infinity;
  for (const Candidate &candidate : candidates) {
    if (!standing(candidate).stays())
      continue;
    double own = score(candidate);
    if (!winner || own > best || (own == best && candidate.token < winner->token)) {
      winner = &candidate;
      best = own;
    }
  }

  // Another would win if it came in from outside, or if its score were larger; or if the winner were outside.
  double margin = standing(*winner).margin();
  for (const Candidate &candidate : candidates)
    if (&candidate != winner)
      margin = std::min(margin, std::max(best - score(candidate), -standing(candidate).margin()));
  return {winner->token, margin};
}

IntTensor sample(const Tensor &logits, const Sampling &sampling) {
  IntTensor tokens;
  for (int64_t row = 0; row < logits.rows; ++row) {
    const uint32_t *seen = sampling.seen.data() + uint64_t(row) * seenWords(uint64_t(logits.cols));
    tokens.push_back(sampleRow(logits.row(row), logits.cols, sampling.rows[size_t(row)], seen).token);
  }
  return tokens;
}

} // namespace quipu::reference
