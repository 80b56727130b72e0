// Chooses the next token from logits. The order of operations is that of Hugging Face transformers:
//
//   1. repetition penalty: the logit of every token seen so far (prompt and generated) is divided by it where positive
//      and multiplied where negative, once a token
//   2. temperature: logits are divided by it; 0 means the largest logit wins and what follows is not done
//   3. top-k: the k largest stay
//   4. top-p: of the softmax of these, the fewest of the largest whose probabilities reach p stay
//   5. min-p: those stay that have at least min_p times the probability of the likeliest
//   6. one of them is drawn with its probability
//
// Equal logits count as if the lower token id were larger. A sequence draws from its own seed, so what it generates
// does not depend on the other sequences of a batch.
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <vector>

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

// The index of the largest, the lowest of equals; NaN is never the largest. 0 where all are NaN.
int32_t argmax(const float *values, uint32_t count);

class Sampler {
public:
  Sampler(const SamplingParams &params, uint32_t vocab);

  // Whether sample() looks at anything but the largest logit.
  bool needsLogits() const { return params.temperature > 0 || params.repetitionPenalty != 1; }
  // Notes a token of the prompt or one that was generated.
  void accept(int32_t token);
  // Draws the next token from the logits of the last position; does not accept it.
  int32_t sample(const float *logits);

private:
  struct Candidate {
    float logit;
    int32_t token;
    double weight; // exp of the logit less the largest, over the temperature
  };

  void applyPenalty();
  void keepTopK();
  void weigh();
  void keepTopP();
  void keepMinP();
  int32_t draw();
  double uniform();

  SamplingParams params;
  uint32_t vocab;
  std::vector<bool> seen;
  std::vector<Candidate> candidates; // kept between calls for its memory
  uint64_t drawn = 0;
};

} // namespace quipu
