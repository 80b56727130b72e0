// The rows of a weight that is to be packed: pieces joined along rows, in the weight's storage format.
#pragma once

#include "compiler/Quantization/TensorRows.h"

#include <vector>

namespace quipu {

// A piece of a weight, the tensor it is made of, and what each of its columns counts when it is rounded (Encode.h);
// null: all alike.
struct WeightTensor {
  const models::TensorInfo *tensor;
  WeightPiece piece = {};
  const float *importance = nullptr;
};

class WeightRows {
public:
  // Pieces of one row size; vectors are joined end to end, as rows of one element. The tensors must outlive this.
  // Errors name the tensor: those of TensorRows, and row sizes that differ.
  static Expected<WeightRows> create(const std::vector<WeightTensor> &tensors, const StorageFormat &storage);

  int64_t rows() const { return rowCount; }
  int64_t columns() const { return columnCount; }
  const StorageFormat &storage() const { return *format; }
  // The first tensor as errors name it: "FILE: tensor NAME".
  std::string name() const;

  // Blocks [first, first + count) of a row: the checkpoint's own bytes where it holds the storage format, else rounded
  // to it. A count may run over the end of a row into the rows that follow, up to `contiguousEnd`. Where elements stand
  // by themselves a block is an element.
  void read(int64_t row, int64_t first, int64_t count, std::byte *out) const;
  // The row after the last one of the piece that `row` is in.
  int64_t contiguousEnd(int64_t row) const;

private:
  struct Part {
    quantization::TensorRows tensor;
    int64_t firstRow, rows;
  };
  const Part &partOf(int64_t row) const;

  std::vector<Part> parts;
  const StorageFormat *format = nullptr;
  int64_t rowCount = 0, columnCount = 0;
};

} // namespace quipu
