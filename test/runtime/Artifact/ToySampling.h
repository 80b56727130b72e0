// The toy model's next token of one row, for its kernels of every device. ToyModel.h says what it is; its sampleOf says
// it again in other words, for tests to hold the kernels to.
#pragma once

#include "runtime/Artifact/RowSampling.h"

namespace quipu::toy {

constexpr uint32_t vocab = 11;

// seen: the row's one word. -1 where no logit is a number.
inline int32_t sampleRow(const float *logits, const RowSampling &sampling, uint32_t seen) {
  int32_t best = -1;
  float largest = 0;
  for (uint32_t v = 0; v < vocab; ++v) {
    float value = logits[v];
    if (sampling.repetitionPenalty != 1 && (seen >> v & 1) != 0)
      value -= sampling.repetitionPenalty;
    value += sampling.temperature * static_cast<float>(noiseBits(sampling.key, v) >> 40);
    if (best < 0 ? value == value : value > largest) {
      best = static_cast<int32_t>(v);
      largest = value;
    }
  }
  return best;
}

} // namespace quipu::toy
