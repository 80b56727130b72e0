// The prologue of matmul: rms_norm, conversion to what the microkernel multiplies, and interleaving of a tile's rows so
// that one broadcast load gives one row's k (or pair of k).
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"
#include "compiler/Codegen/KernelSpec.h"

#include <optional>

namespace quipu::cpu {

struct InputPacking {
  PackedInput form;
  int64_t tile;                  // rows of x
  std::optional<double> normEps; // absent: no norm

  int64_t tileBytes() const { return tile * form.rowBytes(); }
  int64_t packedTile() const { return tile * form.parts; }
  void checkTile(ParamReader &params) const;

  // Reads rows [firstRow, firstRow + tile) of x [rows, k] and writes them to `packed`, as PackedInput says. Rows beyond
  // the last are numbers of no meaning. `gain` is read only with a norm, and `scales` has room for `tile` f32.
  void emit(KernelBuilder &b, Value x, Value gain, Value firstRow, Value rows, Value packed, Value scales) const;

private:
  struct Row {
    Value address, count; // count: columns of it that are there
    Value scale;          // of the norm, in every lane
  };
  Value loadWholeColumns(KernelBuilder &b, const Row &row, Value gain, Value column) const;
  Value loadColumns(KernelBuilder &b, const Row &row, Value gain, Value column) const;
  Value loadWords(KernelBuilder &b, const Row &row, Value gain, Value column) const;
};

// The tile's rows, vectors of words, as tile vectors in the order [word][row].
Values interleave(KernelBuilder &b, const Values &rows);

} // namespace quipu::cpu
