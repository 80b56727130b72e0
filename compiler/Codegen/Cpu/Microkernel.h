// The innermost block of matmul: a tile of input rows times one panel of weights over a range of k, accumulated in
// registers.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

namespace quipu::cpu {

class Microkernel {
public:
  // `prefetchBytes`: how far ahead of its reads of the weights it prefetches them; 0: not at all.
  Microkernel(KernelBuilder &b, const PanelLayout &weight, const PackedInput &input, int64_t tile,
              int64_t prefetchBytes);

  // Groups [firstGroup, firstGroup + groups) of the panel and of the packed tile. sums is f32 [tile][64]: overwritten,
  // or added to when `accumulate`.
  void emit(Value panel, Value packedTile, int64_t firstGroup, int64_t groups, Value sums, bool accumulate) const;

private:
  void emitBody(Value panel, Value packedTile, int64_t firstGroup, int64_t groups, Value sums, bool accumulate) const;
  // Multiplies one group (a k or pair of k) of `vectors` weight vectors with the tile and adds to acc [tile][vectors].
  void step(Value weights, Value inputs, llvm::MutableArrayRef<Value> acc) const;
  Value dot(Value acc, Value weight, Value inputWord) const;

  KernelBuilder &b;
  PanelLayout weight;
  PackedInput input;
  int64_t tile;
  int64_t vectors; // weight vectors of a row of the panel taken at a time
  int64_t unroll;  // groups at a time, each with accumulators of its own
  int64_t prefetchBytes;
};

} // namespace quipu::cpu
