// The microkernel for quantised weights: products of int8 and sums of int32 within a run of 32, which a scale of the
// weights and one of the input turn into f32.
#pragma once

#include "compiler/Codegen/Cpu/Kernels/Matmul/BlockReader.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/Microkernel.h"

namespace quipu::cpu {

class BlockMicrokernel : public Microkernel {
public:
  // `layout`: as the weights lie. The input is packed for it.
  BlockMicrokernel(KernelBuilder &b, const BlockLayout &layout, const PackedInput &input, int64_t tile,
                   Prefetch prefetch);

private:
  // One run of the tile for the columns of a pass.
  struct Run {
    BlockReader::Run weights;
    Value inputs, column;
    Value sums;                                 // where the pass's sums are in memory
    llvm::ArrayRef<BlockReader::Scales> scales; // of the unit, for each weight vector
    Value soonNeeded;
    Value unit, inputsOfUnit; // in the last run, where it takes the minima of all
  };
  void emitBody(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate) const override;
  // One unit; takes and gives the sums that are held in registers.
  Values emitUnit(Value unit, Value inputs, Value sums, const Values &held) const;
  void emitRun(const Run &run, Values &held) const;
  // Sums [vectors][tile] of a segment of a run.
  Values dotSegment(const Run &run, int64_t segment) const;
  // A unit's last run takes the integer minima of all from the sums.
  bool takesMinimaByUnit() const { return layout.hasIntegerMinima() && passes() > 1; }
  Value factorOfMinima(const BlockReader::Scales &ofUnit) const;
  Values minimaOfUnit(const Run &run, int64_t v) const;
  // Integers: what the minima of a run or of a pair of runs take from row t's sums.
  Value dotMinima(Value taken, Value minima, Value inputs, int64_t t) const;
  // Adds quad `quad` of a segment, `vectors` weight vectors times the tile, to acc [vectors][tile]: int32, or int16
  // pairs.
  void step(const Run &run, int64_t segment, int64_t quad, llvm::MutableArrayRef<Value> acc) const;
  Value addProducts(Value acc, Value weights, Value x) const;
  bool sumsPairs() const;
  Value inputWord(Value inputs, int64_t at) const; // in every lane: the word `at` bytes on
  Value startOfRow(const Run &run, int64_t segment, int64_t t) const;
  // sums += what, of row t and weight vector v.
  void updateSum(Value sums, Values &held, int64_t t, int64_t v, llvm::function_ref<Value(Value sum)> update) const;
  void addToSums(const Run &run, int64_t segment, llvm::ArrayRef<Value> acc, Values &held) const;
  // All segments of a run at once, so that sums in memory are read and written once for them. There are registers for
  // that where a pass takes a part of the panel's columns and the chip has 32.
  bool joinsSegments() const {
    return layout.segments() > 1 && input.hasShifts && (!layout.hasMinimum() || takesMinimaByUnit()) && passes() > 1 &&
           layout.segments() * vectors * tile * 2 <= b.chip().vectorRegisters;
  }
  void addSegmentsToSums(const Run &run, llvm::ArrayRef<Values> ofSegments, Values &held) const;
  void prefetchShare(const Run &run, int64_t quad) const;
  int64_t passes() const { return panelRows / (vectors * b.lanes()); }

  BlockLayout layout;
  BlockReader reader;
  PackedInput input;
  int64_t tile;
  int64_t vectors; // weight vectors of a pass
  bool holdsSums;  // in registers rather than in L1
};

} // namespace quipu::cpu
