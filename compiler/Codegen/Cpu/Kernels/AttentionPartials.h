// Attention of one token and head cut along its positions: what a part leaves for attention_merge.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"

namespace quipu::cpu {

// The `partials` operand: [sequence][head][mostSplits] of o [paddedDim], not divided by the sum of weights yet, then
// the largest score (an exponent of two) and the sum of weights; f32.
struct PartialLayout {
  static constexpr int64_t mostSplits = 16;

  int64_t paddedDim;

  int64_t maximumAt() const { return paddedDim * 4; }
  int64_t sumAt() const { return paddedDim * 4 + 4; }
  int64_t bytes() const { return paddedDim * 4 + 64; }
};

// Into how many parts a decoding token's positions are cut for each KV head. Where the step's tokens and KV heads do
// not divide evenly among the workers: so many that each has four items, none of less than 256 positions. Both kernels
// ask here. `window`: 0 is none.
Value splitsOf(KernelBuilder &b, Value token, int64_t kvHeads, int64_t window);

} // namespace quipu::cpu
