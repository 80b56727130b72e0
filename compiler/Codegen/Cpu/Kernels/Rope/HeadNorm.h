// The norms of query and key heads before their rotation, and what scales queries after it, within rope_append.
#pragma once

#include "compiler/Codegen/Cpu/Kernels/Norm.h"

namespace quipu::cpu {

struct HeadNorm {
  Norm norm;
  int64_t dim;     // of a head
  bool whole;      // statistics are those of all heads together (OLMo 2), else of each head
  bool sharedGain; // one head's gain serves all (Qwen3, Gemma 3); else gains are [heads * dim]

  // Parameters `norm_eps` (absent: no norm), `centred`, `whole`, `gains` and `k_gains`.
  static std::optional<HeadNorm> read(ParamReader &params, int64_t heads, int64_t kvHeads, int64_t dim);

  // Of a norm over all heads: the scales of q and k of a token, two f32 at `factors`. The row has q, then k.
  void storeFactors(KernelBuilder &b, Value row, int64_t heads, int64_t kvHeads, Value factors) const;
  // out = norm of the head at x, f32 [dim]. `factor` is what storeFactors wrote for its projection.
  void emit(KernelBuilder &b, Value x, Value gain, Value head, Value factor, Value out) const;
};

// Queries times 1 + beta * ln(1 + floor(position / length)), as Ministral 3 scales its attention with the context.
struct PositionScale {
  double beta;
  int64_t length;

  // Parameters of rope_append: `query_scale_beta` (absent: none) and `query_scale_length`.
  static std::optional<PositionScale> read(ParamReader &params);

  // f32, for the position of a token.
  Value of(KernelBuilder &b, Value positions, Value token) const;
};

} // namespace quipu::cpu
