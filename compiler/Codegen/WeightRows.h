// The rows of a weight that is to be packed: checkpoint tensors joined along rows, read in the type a packer asks for.
#pragma once

#include "models/import/Checkpoint.h"
#include "runtime/Support/Error.h"

#include <vector>

namespace quipu {

class WeightRows {
public:
  // F32, F16 or BF16 tensors of one row size; vectors are joined end to end, as rows of one element. The tensors must
  // outlive this. Errors name the tensor: an element type that is no weight, row sizes that differ.
  static Expected<WeightRows> create(const std::vector<const models::TensorInfo *> &tensors);

  int64_t rows() const { return rowCount; }
  int64_t columns() const { return columnCount; }
  // The first tensor as errors name it: "FILE: tensor NAME".
  std::string name() const;

  // Elements [column, column + count) of a row, rounded to bf16 to nearest, ties to even. A count may run over the end
  // of a row into the rows that follow, up to `contiguousEnd`.
  void read(int64_t row, int64_t column, int64_t count, float *out) const;
  void read(int64_t row, int64_t column, int64_t count, uint16_t *out) const;
  // The row after the last one that lies in one piece with `row`.
  int64_t contiguousEnd(int64_t row) const;

private:
  struct Source {
    const models::TensorInfo *tensor;
    int64_t firstRow, rows;
  };
  const Source &sourceOf(int64_t row) const;
  const std::byte *locate(int64_t row, int64_t column, models::DType &dtype) const;

  std::vector<Source> sources;
  int64_t rowCount = 0, columnCount = 0;
};

} // namespace quipu
