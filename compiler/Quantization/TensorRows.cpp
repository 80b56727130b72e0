#include "compiler/Quantization/TensorRows.h"

#include "compiler/Quantization/Decode.h"
#include "compiler/Quantization/Encode.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace quipu::quantization {

// Elements that are converted at a time: whole blocks of every format.
static constexpr int64_t chunk = 256;

Expected<TensorRows> TensorRows::create(const models::TensorInfo &tensor, const StorageFormat &storage,
                                        const float *importance) {
  TensorRows rows;
  rows.tensor = &tensor;
  rows.source = models::storageFormatOf(tensor.dtype);
  rows.storage = findStorageFormat(storage.dtype); // the table's own, which outlives this
  rows.importance = importance;
  if (!rows.source)
    return makeError("{}: tensor '{}' is {}; weights are {}", tensor.file, tensor.nameInFile(),
                     models::dtypeName(tensor.dtype), models::weightTypeNames());
  if (!storage.takesRow(uint64_t(tensor.rowSize())))
    return makeError("{}: tensor '{}' has rows of {} elements, which are no whole blocks of {} ({} elements)",
                     tensor.file, tensor.nameInFile(), tensor.rowSize(), storage.name, storage.blockElements);
  return rows;
}

void TensorRows::readSource(int64_t row, int64_t column, int64_t count, float *out) const {
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
  if (source->dtype == storage->dtype) {
    uint64_t begin = uint64_t(row) * source->rowBytes(uint64_t(tensor->rowSize())) + uint64_t(first * blockBytes);
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
  int64_t columns = tensor->rowSize();
  if (source->dtype == storage->dtype)
    return readSource(row, 0, columns, out);
  std::vector<std::byte> stored(storage->rowBytes(uint64_t(columns)));
  read(row, 0, columns / storage->blockElements, stored.data());
  decode(*storage, stored.data(), columns, out);
}

} // namespace quipu::quantization
