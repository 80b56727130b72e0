// Reads units of quantised weights from a panel (BlockLayout.h says how they lie) as vectors over the panel's rows.
// `column` is the first of lanes() rows of the panel: a column of the result.
#pragma once

#include "compiler/Codegen/Cpu/BlockLayout.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"

namespace quipu::cpu {

class BlockReader {
public:
  BlockReader(KernelBuilder &b, const BlockLayout &layout) : b(b), layout(layout) {}

  // f32 [lanes()]; null where the format has no minimum.
  struct Scales {
    Value scale, minimum;
    Value low, high; // i32: bits of the integers that scales and minima of a unit's runs are made of
  };
  // A run: its place in the unit and its address.
  struct Run {
    Value index, address;
  };
  Run run(Value unit, Value index) const;

  // What all of a unit shares; a segment's scales are made of it and of the segment's own.
  Scales unitScales(Value unit, Value column) const;
  Scales segmentScales(const Scales &ofUnit, const Run &run, int64_t segment, Value column) const;
  // Integer minima of a run in the halves of i32: its own and zero, or those of its two segments, the first low.
  Value minimaOfRun(const Scales &ofUnit, const Run &run, Value column) const;
  // A pair of a unit's integer minima: those of runs 2 `pair` + 1 and 2 `pair`, or of run `pair`'s segments, the low
  // and the high half of i32.
  Value minimumPair(const Scales &ofUnit, Value unit, int64_t pair, Value column) const;

  // Quad `quad` of a segment: lanes() words of four unsigned bytes, one word for each row.
  Value quad(const Run &run, int64_t segment, int64_t quad, Value column) const;
  // The order of quads in which a segment's bytes are read once.
  llvm::SmallVector<int64_t> quadOrder() const;

private:
  // Address of a segment.
  Value at(const Run &run, int64_t segment) const;
  Value word(Value words, int64_t index, Value column) const;
  Value highBits(const Run &run, int64_t segment, int64_t quad, Value column) const;
  Value bytes(Value address, Value column, bool isSigned) const;
  Value masked(Value words, int64_t mask) const;
  Value integerScale(const Scales &ofUnit, const Run &run, int64_t segment, Value column) const;
  Value shiftedByRun(Value words, const Run &run, int64_t bitsOfRun) const;
  Value widenedExponent(Value address, Value column) const;
  Value widenedF16(Value address, Value column) const;

  KernelBuilder &b;
  BlockLayout layout;
};

} // namespace quipu::cpu
