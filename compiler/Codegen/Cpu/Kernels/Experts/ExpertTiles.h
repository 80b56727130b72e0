// The tiles that an expert's rows are taken in: as many of `most` rows as there are, then one of what is left, whose
// size is a constant as well. So no row is computed that is not there, and packed rows lie without gaps.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"

namespace quipu::cpu {

// Calls body(rows, firstRow) where code for a tile of so many rows is wanted: once for each size.
inline void forTiles(KernelBuilder &b, Value firstRow, Value endRow, int64_t most,
                     llvm::function_ref<void(int64_t rows, Value firstRow)> body) {
  b.loop(firstRow, endRow, most, [&](Value row) {
    Value left = b.smaller(b.sub(endRow, row), b.constant(most));
    for (int64_t rows = most; rows >= 1; --rows)
      b.when(b.equal(left, b.constant(rows)), [&] { body(rows, row); });
  });
}

} // namespace quipu::cpu
