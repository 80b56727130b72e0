// The prologue of matmul: rms_norm, conversion to what the microkernel multiplies, and interleaving of a tile's rows so
// that one broadcast load gives one row's k (or pair of k).
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

#include <optional>

namespace quipu::cpu {

struct InputPacking {
  PackedInput form;
  int64_t tile;                  // rows
  std::optional<double> normEps; // absent: no norm

  int64_t tileBytes() const { return tile * form.rowBytes(); }

  // Reads rows [firstRow, firstRow + tile) of x [rows, k] and writes them to `packed`, as PackedInput says; rows beyond
  // the last are zeros. `gain` is read only with a norm, and `scales` has room for `tile` f32.
  void emit(KernelBuilder &b, Value x, Value gain, Value firstRow, Value rows, Value packed, Value scales) const;

private:
  Values loadWords(KernelBuilder &b, Value row, Value gain, Value column, Value count, Value scale) const;
};

// The tile's rows of `lanes` words each, as tile vectors in the order [word][row].
Values interleave(KernelBuilder &b, const Values &rows);

} // namespace quipu::cpu
