// The rows of a weight's piece in the storage format asked for. Packer and reference read weights through this, so they
// agree to the bit about what a weight is.
#pragma once

#include "compiler/Quantization/WeightPiece.h"
#include "models/import/Checkpoint.h"
#include "runtime/Artifact/StorageFormat.h"
#include "runtime/Support/Error.h"

namespace quipu::quantization {

class TensorRows {
public:
  // `piece` says what is done to the tensor (its name there is not read). `importance`, one value a column or null,
  // weighs the rounding (Encode.h); both must outlive this. Errors name the tensor: a type that is no weight, rows that
  // are not there, rows that are no whole blocks of the storage, blocks that cannot be transposed.
  static Expected<TensorRows> create(const models::TensorInfo &tensor, const WeightPiece &piece,
                                     const StorageFormat &storage, const float *importance = nullptr);

  int64_t rows() const { return rowCount; }
  int64_t rowSize() const { return columnCount; } // a vector is one row
  bool isVector() const { return tensor->shape.size() < 2; }

  // Blocks [first, first + count) of a row, in the storage format: the file's own bytes where it holds that format.
  void read(int64_t row, int64_t first, int64_t count, std::byte *out) const;

  // A whole row, as its stored blocks decode.
  void readValues(int64_t row, float *out) const;

  // "FILE: tensor NAME"
  std::string name() const;

private:
  Expected<> checkPiece() const;
  // Whether the storage's bytes are the file's own, row by row.
  bool isStoredSo() const { return source->dtype == storage->dtype && !piece.computes() && !isScattered(); }
  // Whether elements of a row lie apart in the file.
  bool isScattered() const { return piece.transposed || (isVector() && !piece.takesAllRows()); }
  int64_t sourceRow(int64_t row) const { return piece.takesAllRows() || isVector() ? row : piece.runs.source(row); }
  // Elements [column, column + count) as the piece has them.
  void readSource(int64_t row, int64_t column, int64_t count, float *out) const;
  void readStored(int64_t row, int64_t column, int64_t count, float *out) const;
  void readScattered(int64_t row, int64_t column, int64_t count, float *out) const;

  const models::TensorInfo *tensor = nullptr;
  WeightPiece piece;
  const StorageFormat *source = nullptr, *storage = nullptr;
  const float *importance = nullptr;
  int64_t rowCount = 0, columnCount = 0;
};

} // namespace quipu::quantization
