#include "compiler/Codegen/WeightRows.h"

#include <algorithm>

namespace quipu {

using quantization::TensorRows;

Expected<WeightRows> WeightRows::create(const std::vector<WeightTensor> &tensors, const StorageFormat &storage) {
  WeightRows joined;
  joined.format = findStorageFormat(storage.dtype); // the table's own, which outlives this
  for (const auto &[tensor, piece, importance] : tensors) {
    auto stored = TensorRows::create(*tensor, piece, storage, importance);
    if (!stored)
      return passError(std::move(stored));
    bool vector = stored->isVector();
    int64_t rows = vector ? stored->rowSize() : stored->rows(), columns = vector ? 1 : stored->rowSize();
    if (joined.columnCount != 0 && columns != joined.columnCount)
      return makeError("{}: tensor {} has rows of {} elements, those of {} have {}; they cannot be joined",
                       tensor->file, tensor->name, columns, tensors[0].tensor->name, joined.columnCount);
    joined.columnCount = columns;
    joined.parts.push_back({*stored, joined.rowCount, rows});
    joined.rowCount += rows;
  }
  if (joined.rowCount == 0 || joined.columnCount == 0)
    return makeError("a weight without elements cannot be packed{}",
                     tensors.empty() ? "" : ": " + tensors[0].tensor->name);
  return joined;
}

std::string WeightRows::name() const { return parts[0].tensor.name(); }

const WeightRows::Part &WeightRows::partOf(int64_t row) const {
  return *std::prev(std::upper_bound(parts.begin(), parts.end(), row,
                                     [](int64_t row, const Part &part) { return row < part.firstRow; }));
}

int64_t WeightRows::contiguousEnd(int64_t row) const { return partOf(row).firstRow + partOf(row).rows; }

void WeightRows::read(int64_t row, int64_t first, int64_t count, std::byte *out) const {
  const Part &part = partOf(row);
  // As blocks of the whole piece, which has rows of its own: a vector is one.
  int64_t perRow = part.tensor.rowSize() / format->blockElements;
  int64_t at = (row - part.firstRow) * columnCount / format->blockElements + first;
  for (int64_t end = at + count; at < end;) {
    int64_t within = at % perRow, piece = std::min(end - at, perRow - within);
    part.tensor.read(at / perRow, within, piece, out);
    out += piece * format->blockBytes;
    at += piece;
  }
}

} // namespace quipu
