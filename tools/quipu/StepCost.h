// The least a step must read and compute, from the artifact's own program: what measured speeds are held against.
#pragma once

#include "runtime/Engine/Engine.h"

namespace quipu::tool {

class StepCost {
public:
  explicit StepCost(Engine &engine);

  // Bytes that one decoded token must read: all weights its launches use and the KV cache of `context` positions.
  double decodeBytes(double context) const { return matmulBytes + context * kvBytesPerPosition; }
  // Floating-point operations of a prompt whose last row alone gives logits: matmuls and causal attention.
  double promptFlops(double tokens) const {
    return tokens * tokenFlops + rowFlops + tokens * (tokens + 1) / 2 * attentionFlopsPerPair;
  }
  // Whether the matmuls use the bf16 dot product, so that its peak is their limit.
  bool bf16Dot() const { return usesBf16Dot; }

private:
  double matmulBytes = 0;
  double kvBytesPerPosition = 0;
  double tokenFlops = 0; // of matmuls over all tokens
  double rowFlops = 0;   // of matmuls over asked-for rows
  double attentionFlopsPerPair = 0;
  bool usesBf16Dot = false;
};

} // namespace quipu::tool
