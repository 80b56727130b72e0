// Attention of one token and head cut along its positions: what a part leaves for attention_merge.
#pragma once

#include "compiler/Codegen/AttentionShape.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"

#include <llvm/Support/MathExtras.h>

namespace quipu::cpu {

// The `partials` operand: [sequence][part][head] of o [paddedDim], not divided by the sum of weights yet, then the
// largest score (an exponent of two) and the sum of weights; f32. The more sequences a step has, the fewer parts has
// each (Splits::most), so that the buffer has one size whatever number of sequences a program is loaded for.
struct PartialLayout {
  static constexpr int64_t mostSplits = 16; // of a sequence
  static constexpr int64_t mostParts = 64;  // of a step

  int64_t heads, paddedDim;

  static PartialLayout of(const AttentionShape &shape) { return {shape.heads, int64_t(llvm::alignTo(shape.dim, 16))}; }
  int64_t maximumAt() const { return paddedDim * 4; }
  int64_t sumAt() const { return paddedDim * 4 + 4; }
  int64_t rowBytes() const { return paddedDim * 4 + 64; }
  int64_t partBytes() const { return heads * rowBytes(); }
  int64_t bytes() const { return mostParts * partBytes(); }
};

// The number of a sequence's first token in the step; that of the sequence behind the last is the number of tokens.
Value firstToken(KernelBuilder &b, Value sequence);

// How the positions of a step's decoding sequences are cut. Both kernels ask here.
struct Splits {
  explicit Splits(KernelBuilder &b);

  // Into how many parts a token's positions are cut: one for each worker, none of less than 256 positions. `window`: 0
  // is none.
  Value of(Value token, int64_t window) const;
  // The number of a sequence's part among those of the step.
  Value part(Value sequence, Value split) const;

  KernelBuilder &b;
  Value most; // of a sequence
};

} // namespace quipu::cpu
