// How a sequence's next token is chosen from logits. The order of operations is that of Hugging Face transformers:
//
//   1. repetition penalty: the logit of every token seen so far (prompt and generated) is divided by it where positive
//      and multiplied where negative, once a token
//   2. temperature: logits are divided by it; 0 means the largest logit wins and what follows is not done
//   3. top-k: the k largest stay
//   4. top-p: of the softmax of these, the fewest of the largest whose probabilities reach p stay
//   5. min-p: those stay that have at least min_p times the probability of the likeliest
//   6. one of them is drawn with its probability
//
// Equal logits count as if the lower token id were larger. The device does it (lm.sample); what is here makes its rows
// of a step. A sequence draws from its own seed, so what it generates does not depend on the other sequences of a
// batch.
#pragma once

#include "runtime/Artifact/RowSampling.h"
#include "runtime/Support/Error.h"

#include <cstdint>

namespace quipu {

struct SamplingParams {
  float temperature = 0;       // 0: greedy
  uint32_t topK = 0;           // 0: off
  float topP = 1;              // (0, 1]; 1: off
  float minP = 0;              // [0, 1]; 0: off
  float repetitionPenalty = 1; // above 0; 1: off
  uint64_t seed = 0;
  bool ignoreEos = false; // go on past end-of-text tokens; for measuring
};

// An error names the parameter and its range.
Expected<void> checkSampling(const SamplingParams &params);

// What a step is told of a sequence that has drawn so many tokens.
RowSampling rowSampling(const SamplingParams &params, uint64_t drawn);

} // namespace quipu
