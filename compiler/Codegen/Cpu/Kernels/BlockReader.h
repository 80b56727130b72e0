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
    Value lowBits; // of a unit's integer minima
  };
  // What all of a unit shares; a segment's scales are made of it and of the segment's own.
  Scales unitScales(Value unit, Value column) const;
  Scales segmentScales(const Scales &ofUnit, Value run, Value segment, Value column) const;
  // An integer minimum, i32; and those of runs 2 `pair` + 1 and 2 `pair`, the low and the high half of i32.
  Value integerMinimum(const Scales &ofUnit, Value run, Value segment, Value column) const;
  Value minimumPair(const Scales &ofUnit, Value unit, int64_t pair, Value column) const;

  // Addresses.
  Value run(Value unit, Value run) const;
  Value segment(Value run, int64_t segment) const { return b.offset(run, segment * layout.segmentBytes()); }

  // Quad `quad` of a segment: lanes() words of four unsigned bytes, one word for each row.
  Value quad(Value segment, int64_t quad, Value column) const;
  // The order of quads in which a segment's bytes are read once.
  llvm::SmallVector<int64_t> quadOrder() const;

private:
  Value word(Value segment, int64_t index, Value column) const;
  Value nibbles(Value segment, int64_t quad, Value column) const;
  Value bytes(Value address, Value column, bool isSigned) const;
  Value masked(Value words, int64_t mask) const;
  Value widenedF16(Value address, Value column) const;

  KernelBuilder &b;
  BlockLayout layout;
};

} // namespace quipu::cpu
