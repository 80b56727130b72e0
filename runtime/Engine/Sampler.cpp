#include "runtime/Engine/Sampler.h"

#include <algorithm>
#include <cmath>

namespace quipu {

Expected<void> checkSampling(const SamplingParams &params) {
  // Written so that NaN fails too.
  if (!(params.temperature >= 0 && std::isfinite(params.temperature)))
    return makeError("temperature {} must be 0 or more", params.temperature);
  if (!(params.topP > 0 && params.topP <= 1))
    return makeError("top-p {} must be above 0 and at most 1", params.topP);
  if (!(params.minP >= 0 && params.minP <= 1))
    return makeError("min-p {} must be from 0 to 1", params.minP);
  if (!(params.repetitionPenalty > 0 && std::isfinite(params.repetitionPenalty)))
    return makeError("repetition penalty {} must be above 0", params.repetitionPenalty);
  return {};
}

int32_t argmax(const float *values, uint32_t count) {
  float largest = -INFINITY;
  int32_t best = 0;
  for (uint32_t i = 0; i < count; ++i)
    if (values[i] > largest) {
      largest = values[i];
      best = static_cast<int32_t>(i);
    }
  return best;
}

Sampler::Sampler(const SamplingParams &params, uint32_t vocab) : params(params), vocab(vocab), seen(vocab) {}

void Sampler::accept(int32_t token) { seen[static_cast<size_t>(token)] = true; }

int32_t Sampler::sample(const float *logits) {
  if (!needsLogits())
    return argmax(logits, vocab);
  candidates.clear();
  for (uint32_t token = 0; token < vocab; ++token)
    if (!std::isnan(logits[token]))
      candidates.push_back({logits[token], static_cast<int32_t>(token), 0});
  if (candidates.empty())
    return 0;
  if (params.repetitionPenalty != 1)
    applyPenalty();
  auto largest = std::max_element(candidates.begin(), candidates.end(),
                                  [](const Candidate &a, const Candidate &b) { return a.logit < b.logit; });
  // An infinite logit leaves nothing to draw.
  if (params.temperature == 0 || !std::isfinite(largest->logit))
    return largest->token;
  if (params.topK > 0 && params.topK < candidates.size())
    keepTopK();
  weigh();
  if (params.topP < 1)
    keepTopP();
  if (params.minP > 0)
    keepMinP();
  return draw();
}

void Sampler::applyPenalty() {
  for (Candidate &candidate : candidates)
    if (seen[static_cast<size_t>(candidate.token)])
      candidate.logit =
          candidate.logit > 0 ? candidate.logit / params.repetitionPenalty : candidate.logit * params.repetitionPenalty;
}

namespace {

// A strict order of all candidates: the result of a selection does not depend on how the library selects.
template <typename Candidate> bool ranksBefore(const Candidate &a, const Candidate &b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

} // namespace

void Sampler::keepTopK() {
  std::nth_element(candidates.begin(), candidates.begin() + params.topK, candidates.end(), ranksBefore<Candidate>);
  candidates.resize(params.topK);
  std::sort(candidates.begin(), candidates.end(), ranksBefore<Candidate>);
}

void Sampler::weigh() {
  float largest = -INFINITY;
  for (const Candidate &candidate : candidates)
    largest = std::max(largest, candidate.logit);
  for (Candidate &candidate : candidates)
    candidate.weight = std::exp((double(candidate.logit) - largest) / params.temperature);
}

void Sampler::keepTopP() {
  double total = 0;
  for (const Candidate &candidate : candidates)
    total += candidate.weight;
  // Few of a large vocabulary are kept as a rule: more are sorted only as they are needed.
  double reached = 0;
  size_t sorted = 0, kept = 0;
  while (kept < candidates.size() && (kept == 0 || reached < params.topP * total)) {
    if (kept == sorted) {
      size_t more = std::min(candidates.size(), std::max<size_t>(128, sorted * 4));
      if (more < candidates.size())
        std::nth_element(candidates.begin() + sorted, candidates.begin() + more, candidates.end(),
                         ranksBefore<Candidate>);
      std::sort(candidates.begin() + sorted, candidates.begin() + more, ranksBefore<Candidate>);
      sorted = more;
    }
    reached += candidates[kept++].weight;
  }
  candidates.resize(kept);
}

void Sampler::keepMinP() {
  // The likeliest has weight 1.
  auto unlikely = [this](const Candidate &candidate) { return candidate.weight < params.minP; };
  candidates.erase(std::remove_if(candidates.begin(), candidates.end(), unlikely), candidates.end());
}

int32_t Sampler::draw() {
  double total = 0;
  for (const Candidate &candidate : candidates)
    total += candidate.weight;
  double left = uniform() * total;
  const Candidate *last = &candidates.front();
  for (const Candidate &candidate : candidates) {
    if (candidate.weight == 0)
      continue;
    last = &candidate;
    left -= candidate.weight;
    if (left < 0)
      break;
  }
  return last->token; // rounding may leave a rest: the last one that can be drawn takes it
}

// SplitMix64 (Steele, Lea, Flood 2014) of seed and count; 53 bits in [0, 1).
double Sampler::uniform() {
  uint64_t z = params.seed * 0xd1342543de82ef95 + ++drawn * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1.0p-53;
}

} // namespace quipu
