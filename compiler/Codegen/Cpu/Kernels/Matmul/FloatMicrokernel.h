// The microkernel for weights that stand by themselves: f32, f16 and bf16.
#pragma once

#include "compiler/Codegen/Cpu/Kernels/Matmul/Microkernel.h"

namespace quipu::cpu {

class FloatMicrokernel : public Microkernel {
public:
  // Prefetches where a pass takes a panel's whole width.
  FloatMicrokernel(KernelBuilder &b, const PanelLayout &weight, const PackedInput &input, int64_t tile,
                   Prefetch prefetch);

private:
  void emitBody(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate) const override;
  // One pass: vectors * lanes columns of the panel, from the group and column `weights` and `sums` point at on. Each
  // group prefetches as many bytes as it reads, one after the other from `soonNeeded` on.
  void emitColumns(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate, Value soonNeeded) const;
  // Multiplies one group (a k or pair of k) of `vectors` weight vectors with the tile and adds to acc [tile][vectors].
  void step(Value weights, Value inputs, llvm::MutableArrayRef<Value> acc) const;
  Value dot(Value acc, Value weight, Value inputWord) const;

  PackedInput input;
  int64_t tile;
  int64_t wordBytes; // of a row of the panel, in a group: f16 is 2 and widened as it is loaded
  bool splitsPairs;  // bf16 weights times f32 input: the pair of k in each word comes apart into two f32
  int64_t vectors;   // weight vectors of a row of the panel taken at a time
  int64_t unroll;    // groups at a time, each with accumulators of its own
};

} // namespace quipu::cpu
