// The innermost block of matmul: a tile of input rows times one panel of weights over a range of k, accumulated in
// registers.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

namespace quipu::cpu {

class Microkernel {
public:
  // `prefetchBytes`: how far ahead of its reads of the weights it prefetches them, where a pass takes a panel's whole
  // width.
  Microkernel(KernelBuilder &b, const PanelLayout &weight, const PackedInput &input, int64_t tile,
              int64_t prefetchBytes);

  // Groups [firstGroup, firstGroup + groups) of the panel and of the packed tile. sums is f32 [tile][64]: overwritten,
  // or added to when `accumulate`.
  void emit(Value panel, Value packedTile, int64_t firstGroup, int64_t groups, Value sums, bool accumulate) const;

private:
  void emitBody(Value panel, Value packedTile, int64_t firstGroup, int64_t groups, Value sums, bool accumulate) const;
  // One pass: vectors * lanes columns of the panel, from the group and column `weights` and `sums` point at on. Each
  // group prefetches as many bytes as it reads, one after the other from `soonNeeded` on.
  void emitColumns(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate, Value soonNeeded) const;
  // Multiplies one group (a k or pair of k) of `vectors` weight vectors with the tile and adds to acc [tile][vectors].
  void step(Value weights, Value inputs, llvm::MutableArrayRef<Value> acc) const;
  Value dot(Value acc, Value weight, Value inputWord) const;
  // bf16 weights times f32 input: the pair of k in each word comes apart into two f32.
  bool splitsPairs() const { return weight.storage == Storage::BF16 && !input.bf16; }
  int64_t inputGroupBytes() const { return tile * 4 * (splitsPairs() ? 2 : 1); }

  KernelBuilder &b;
  PanelLayout weight;
  PackedInput input;
  int64_t tile;
  int64_t vectors; // weight vectors of a row of the panel taken at a time
  int64_t unroll;  // groups at a time, each with accumulators of its own
  int64_t prefetchBytes;
};

} // namespace quipu::cpu
