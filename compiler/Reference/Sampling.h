// The meaning of lm.sample: which token follows, by a row of logits. Every kernel, on whatever device, gives the same
// token, for nothing in it depends on an order of summation but sums of weights. In this order (that of Hugging Face
// transformers):
//
//   1. A logit that is NaN is out; where all are there is no token, which is -1.
//   2. Repetition penalty, in float32: the logit of a token the sequence has is divided by it where above 0, else
//      multiplied. What follows sees this value v. -0 equals 0.
//   3. Tokens rank by v, the lower id before its equals. Temperature 0, or a largest v that is infinite: the first.
//   4. Top-k: the first k stay. The weight of these is exp((v - largest v) / temperature).
//   5. Top-p: a token stays if the weights of those that rank before it are less than p times those of all in 4.
//   6. Min-p: a token stays if its weight is at least min_p.
//   7. An exponential race (the Gumbel-max trick) draws a token with a probability in proportion to its weight: with
//      y = (upper 32 bits of noiseBits(key, token) + 0.5) / 2^32 and E = -log1p(-y), the token with the largest
//      score (v - largest v) / temperature - log(E) wins, the lowest id of equals.
#pragma once

#include "compiler/Reference/Tensor.h"
#include "runtime/Artifact/RowSampling.h"

namespace quipu::reference {

struct SampledToken {
  int32_t token; // -1: none
  // By how much something computed would have to be wrong for another token to win: a score, or a weight (or a sum of
  // weights) relative to min_p (or the sum of all). Infinite where nothing is computed. float32 arithmetic may choose
  // another token where this is some 1e-5.
  double margin;
};

// `logits` are float32 values; `seen`, seenWords(count) of them, may be null where the penalty is 1.
SampledToken sampleRow(const double *logits, int64_t count, const RowSampling &sampling, const uint32_t *seen);

// The sampling of R rows over a vocabulary of V: what a step has of it.
struct Sampling {
  std::vector<RowSampling> rows; // [R]
  std::vector<uint32_t> seen;    // [R, seenWords(V)], without rows at the end that have no penalty
};

// All rows of [R, V].
IntTensor sample(const Tensor &logits, const Sampling &sampling);

} // namespace quipu::reference
