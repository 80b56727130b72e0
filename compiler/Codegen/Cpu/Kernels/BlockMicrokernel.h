// The microkernel for quantised weights: products of int8 and sums of int32 within a run of 32, which a scale of the
// weights and one of the input turn into f32.
#pragma once

#include "compiler/Codegen/Cpu/Kernels/BlockReader.h"
#include "compiler/Codegen/Cpu/Kernels/Microkernel.h"

namespace quipu::cpu {

class BlockMicrokernel : public Microkernel {
public:
  // `layout`: as the weights lie, or unpacked. The input is packed for it.
  BlockMicrokernel(KernelBuilder &b, const BlockLayout &layout, const PackedInput &input, int64_t tile,
                   int64_t prefetchBytes);

private:
  // One run of the tile for the columns of a pass.
  struct Run {
    Value unit, index, weights, inputs, sums, column, soonNeeded;
  };
  void emitBody(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate, Value scratch) const override;
  void emitRun(const Run &run, Value prepared) const;
  // Adds quad `quad` of `vectors` weight vectors times the tile to acc [vectors][tile], int32.
  void step(const Run &run, int64_t quad, llvm::MutableArrayRef<Value> acc) const;
  void addToSums(const Run &run, int64_t segment, llvm::ArrayRef<Value> acc, Value prepared) const;
  void prefetchShare(const Run &run, int64_t quad) const;

  BlockLayout layout;
  BlockReader reader;
  PackedInput input;
  int64_t tile;
  int64_t vectors; // weight vectors of a pass
  int64_t prefetchBytes;
};

} // namespace quipu::cpu
