#include "compiler/Quantization/TensorRows.h"

#include "compiler/Quantization/Decode.h"
#include "compiler/Quantization/Encode.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace quipu::quantization {

// Elements that are converted at a time: whole blocks of every format.
static constexpr int64_t chunk = 256;

Expected<TensorRows> TensorRows::create(const models::TensorInfo &tensor, const WeightPiece &piece,
                                        const StorageFormat &storage, const float *importance) {
  TensorRows rows;
  rows.tensor = &tensor;
  rows.piece = piece;
  rows.source = models::storageFormatOf(tensor.dtype);
  rows.storage = findStorageFormat(storage.dtype); // the table's own, which outlives this
  rows.importance = importance;
  if (!rows.source)
    return makeError("{}: tensor '{}' is {}; weights are {}", tensor.file, tensor.nameInFile(),
                     models::dtypeName(tensor.dtype), models::weightTypeNames());
  if (auto checked = rows.checkPiece(); !checked)
    return passError(std::move(checked));
  int64_t whole = rows.isVector() ? tensor.rowSize() : piece.transposed ? tensor.rowSize() : tensor.rows();
  int64_t taken = piece.takesAllRows() ? whole : piece.runs.rows();
  rows.rowCount = rows.isVector() ? 1 : taken;
  rows.columnCount = rows.isVector() ? taken : piece.transposed ? tensor.rows() : tensor.rowSize();
  if (!storage.takesRow(uint64_t(rows.columnCount)))
    return makeError("{}: tensor '{}' has rows of {} elements, which are no whole blocks of {} ({} elements)",
                     tensor.file, tensor.nameInFile(), rows.columnCount, storage.name, storage.blockElements);
  return rows;
}

Expected<> TensorRows::checkPiece() const {
  if ((piece.transposed || isScattered()) && source->isBlocked())
    return makeError("{}: tensor '{}' is stored in blocks of {}, whose elements cannot be taken apart", tensor->file,
                     tensor->nameInFile(), source->name);
  if (piece.transposed && tensor->shape.size() != 2)
    return makeError("{}: tensor '{}' has {} dimensions; only a matrix can be transposed", tensor->file,
                     tensor->nameInFile(), tensor->shape.size());
  int64_t rows = isVector() || piece.transposed ? tensor->rowSize() : tensor->rows();
  if (!piece.takesAllRows() && piece.runs.end() > rows)
    return makeError("{}: tensor '{}' has {} rows, of which row {} is asked for", tensor->file, tensor->nameInFile(),
                     rows, piece.runs.end() - 1);
  return {};
}

std::string TensorRows::name() const { return fmt::format("{}: tensor {}", tensor->file, tensor->name); }

void TensorRows::readSource(int64_t row, int64_t column, int64_t count, float *out) const {
  if (isScattered())
    readScattered(row, column, count, out);
  else
    readStored(sourceRow(row), column, count, out);
  if (piece.computes())
    for (int64_t i = 0; i < count; ++i)
      out[i] = float(double(out[i]) * piece.scale + piece.add);
}

void TensorRows::readScattered(int64_t row, int64_t column, int64_t count, float *out) const {
  auto sourceOf = [&](int64_t index) { return piece.takesAllRows() ? index : piece.runs.source(index); };
  for (int64_t i = 0; i < count; ++i) {
    int64_t element = piece.transposed ? (column + i) * tensor->rowSize() + sourceOf(row) : sourceOf(column + i);
    decode(*source, tensor->data + source->rowBytes(uint64_t(element)), 1, out + i);
  }
}

void TensorRows::readStored(int64_t row, int64_t column, int64_t count, float *out) const {
  auto columns = uint64_t(tensor->rowSize());
  const std::byte *bytes = tensor->data + uint64_t(row) * source->rowBytes(columns);
  int64_t block = source->blockElements;
  if (column % block == 0 && count % block == 0)
    return decode(*source, bytes + source->rowBytes(uint64_t(column)), count, out);
  // Parts of blocks: the storage's blocks are smaller than the file's.
  float values[chunk];
  for (int64_t done = 0; done < count;) {
    int64_t within = (column + done) % block, part = std::min(count - done, block - within);
    decode(*source, bytes + source->rowBytes(uint64_t(column + done - within)), block, values);
    std::copy_n(values + within, part, out + done);
    done += part;
  }
}

void TensorRows::read(int64_t row, int64_t first, int64_t count, std::byte *out) const {
  int64_t blockBytes = storage->blockBytes, block = storage->blockElements;
  if (isStoredSo()) {
    uint64_t begin = uint64_t(sourceRow(row)) * source->rowBytes(uint64_t(columnCount)) + uint64_t(first * blockBytes);
    std::memcpy(out, tensor->data + begin, size_t(count * blockBytes));
    return;
  }
  float values[chunk];
  for (int64_t column = first * block, end = (first + count) * block; column < end; column += chunk) {
    int64_t part = std::min(chunk, end - column);
    readSource(row, column, part, values);
    encode(*storage, values, importance ? importance + column : nullptr, part, out);
    out += storage->rowBytes(uint64_t(part));
  }
}

void TensorRows::readValues(int64_t row, float *out) const {
  int64_t columns = columnCount;
  if (isStoredSo())
    return readSource(row, 0, columns, out);
  std::vector<std::byte> stored(storage->rowBytes(uint64_t(columns)));
  read(row, 0, columns / storage->blockElements, stored.data());
  decode(*storage, stored.data(), columns, out);
}

} // namespace quipu::quantization
