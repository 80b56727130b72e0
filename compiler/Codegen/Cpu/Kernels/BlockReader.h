// Reads units of quantised weights from a panel (BlockLayout.h says how they lie) as vectors over the panel's rows.
// `column` is the first of lanes() rows of the panel: a column of the result.
#pragma once

#include "compiler/Codegen/Cpu/BlockLayout.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"

namespace quipu::cpu {

class BlockReader {
public:
  BlockReader(KernelBuilder &b, const BlockLayout &layout) : b(b), layout(layout) {}

  // Some scales are made for a whole unit at once, before its runs are read: prepareUnit writes preparedBytes() to
  // `prepared`, which the functions below take. Null where there is nothing to write.
  int64_t preparedBytes() const;
  void prepareUnit(Value unit, Value prepared) const;

  // Quad `quad` of a run: lanes() words of four unsigned bytes, one word for each row.
  Value quad(Value run, int64_t quad, Value column) const;
  // f32 [lanes()].
  Value scale(Value unit, Value run, int64_t segment, Value column, Value prepared) const;
  Value minimum(Value unit, Value run, Value column, Value prepared) const;

  // The order of quads in which a run's bytes are read once, as far as its segments allow.
  llvm::SmallVector<int64_t> quadOrder(int64_t segment) const;

private:
  Value nibbles(Value run, int64_t quad, Value column) const;
  Value widenedF16(Value address) const;

  KernelBuilder &b;
  BlockLayout layout;
};

} // namespace quipu::cpu
