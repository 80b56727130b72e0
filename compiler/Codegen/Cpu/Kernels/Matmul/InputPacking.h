// The prologue of matmul: a norm, conversion to what the microkernel multiplies, and interleaving of a tile's rows so
// that one broadcast load gives one row's k (or pair of k).
#pragma once

#include "compiler/Codegen/Cpu/Kernels/Norm.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"

#include <functional>

namespace quipu::cpu {

struct InputPacking {
  PackedInput form;
  int64_t tile; // rows of x
  std::optional<Norm> norm = {};
  bool normShift = false;

  // Parameters of the norm.
  void readNorm(ParamReader &params);

  // `gain` and `shift` are those of the norm, and read only where it has them. `rowAddress` gives the address of a row
  // of x; null: rows lie one behind the other.
  struct Operands {
    Value x, gain = {}, shift = {};
    std::function<Value(Value row)> rowAddress = {};
  };

  int64_t tileBytes() const { return tile * form.rowBytes(); }
  int64_t packedTile() const { return tile * form.parts; }
  void checkTile(ParamReader &params) const;

  // Reads rows [firstRow, firstRow + tile) of x [rows, k] and writes them to `packed`, as PackedInput says. Rows beyond
  // the last are numbers of no meaning. `statistics` has statisticsBytes().
  void emit(KernelBuilder &b, const Operands &operands, Value firstRow, Value rows, Value packed,
            Value statistics) const;
  int64_t statisticsBytes() const { return 2 * tile * 4; }

private:
  struct Row {
    Value address, count; // count: columns of it that are there
    RowNorm norm;         // in every lane
  };
  Value loadWholeColumns(KernelBuilder &b, const Row &row, const Operands &operands, Value column) const;
  Value loadColumns(KernelBuilder &b, const Row &row, const Operands &operands, Value column) const;
  Value loadWords(KernelBuilder &b, const Row &row, const Operands &operands, Value column) const;
  Value afterNorm(KernelBuilder &b, const Row &row, const Operands &operands, Value x, Value column, Value mask) const;
};

// The tile's rows, vectors of words, as tile vectors in the order [word][row].
Values interleave(KernelBuilder &b, const Values &rows);

} // namespace quipu::cpu
