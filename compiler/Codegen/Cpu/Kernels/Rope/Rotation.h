// Rotary embedding of one head (Su et al. 2021), for the kernels rope and rope_append.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"

namespace quipu::cpu {

struct Rotation {
  enum class Layout { None, SplitHalf, Interleaved };

  Layout layout = Layout::None;
  int64_t dim = 0;     // features of a head
  int64_t rotated = 0; // the first so many of them turn, the others pass

  // Parameters `rope_layout` (absent: no rotation) and `rotated` (absent: dim).
  static Rotation read(ParamReader &params, int64_t dim);

  // The row of the RoPE table for a token: cosines of rotated / 2 angles, then their sines.
  Value anglesOf(KernelBuilder &b, Value positions, Value table, Value token) const;
  // out = the head at x, turned, times `factor` (in every lane; null: 1). x and out are f32 [dim] and may not overlap.
  void emit(KernelBuilder &b, Value x, Value angles, Value factor, Value out) const;

private:
  void emitSplitHalf(KernelBuilder &b, Value x, Value angles, Value factor, Value out) const;
  void emitInterleaved(KernelBuilder &b, Value x, Value angles, Value factor, Value out) const;
};

} // namespace quipu::cpu
