// The least a step must read and compute, from the artifact's own program: what measured speeds are held against.
#pragma once

#include "runtime/Engine/Engine.h"

namespace quipu::tool {

// The multiply-and-add instruction whose peak is the limit of a program's matmuls.
enum class DotInstruction { F32Fma, Bf16Dot, Int8Dot };

class StepCost {
public:
  explicit StepCost(Engine &engine);

  // Bytes that one decoded token must read: the weights its launches use, of experts those that it chooses, and the KV
  // cache of `context` positions.
  double decodeBytes(double context) const { return matmulBytes + cacheBytes(context); }
  double cacheBytes(double context) const { return context * kvBytesPerPosition; }
  // Floating-point operations of a prompt whose last row alone gives logits: matmuls and causal attention.
  double promptFlops(double tokens) const {
    return tokens * tokenFlops + rowFlops + tokens * (tokens + 1) / 2 * attentionFlopsPerPair;
  }
  // The instruction that most of the matmuls' work is for, by the weights' storage and what the target's chip has.
  DotInstruction dotInstruction() const { return dot; }

private:
  double matmulBytes = 0;
  double kvBytesPerPosition = 0;
  double tokenFlops = 0; // of matmuls over all tokens
  double rowFlops = 0;   // of matmuls over asked-for rows
  double attentionFlopsPerPair = 0;
  DotInstruction dot = DotInstruction::F32Fma;
};

} // namespace quipu::tool
