#include "compiler/Codegen/WeightRows.h"

#include "models/import/FloatConversion.h"

#include <algorithm>
#include <cstring>

namespace quipu {

using models::DType;
using models::TensorInfo;

Expected<WeightRows> WeightRows::create(const std::vector<const TensorInfo *> &tensors) {
  WeightRows joined;
  for (const TensorInfo *tensor : tensors) {
    if (!models::isWeightType(tensor->dtype))
      return makeError("{}: tensor {} is {}; weights are F32, F16 or BF16", tensor->file, tensor->name,
                       models::dtypeName(tensor->dtype));
    bool vector = tensor->shape.size() < 2;
    int64_t rows = vector ? tensor->elements() : tensor->rows(), columns = vector ? 1 : tensor->rowSize();
    if (joined.columnCount != 0 && columns != joined.columnCount)
      return makeError("{}: tensor {} has rows of {} elements, those of {} have {}; they cannot be joined",
                       tensor->file, tensor->name, columns, tensors[0]->name, joined.columnCount);
    joined.columnCount = columns;
    joined.sources.push_back({tensor, joined.rowCount, rows});
    joined.rowCount += rows;
  }
  if (joined.rowCount == 0 || joined.columnCount == 0)
    return makeError("a weight without elements cannot be packed{}", tensors.empty() ? "" : ": " + tensors[0]->name);
  return joined;
}

std::string WeightRows::name() const {
  return fmt::format("{}: tensor {}", sources[0].tensor->file, sources[0].tensor->name);
}

const WeightRows::Source &WeightRows::sourceOf(int64_t row) const {
  return *std::find_if(sources.begin(), sources.end(), [&](const Source &s) { return row < s.firstRow + s.rows; });
}

int64_t WeightRows::contiguousEnd(int64_t row) const { return sourceOf(row).firstRow + sourceOf(row).rows; }

const std::byte *WeightRows::locate(int64_t row, int64_t column, DType &dtype) const {
  const Source &source = sourceOf(row);
  dtype = source.tensor->dtype;
  return source.tensor->data +
         ((row - source.firstRow) * columnCount + column) * static_cast<int64_t>(models::byteSize(dtype));
}

void WeightRows::read(int64_t row, int64_t column, int64_t count, float *out) const {
  DType dtype;
  const std::byte *data = locate(row, column, dtype);
  if (dtype == DType::F32)
    std::memcpy(out, data, static_cast<size_t>(count) * 4);
  else if (dtype == DType::BF16)
    models::bf16ToFloat(data, count, out);
  else
    models::f16ToFloat(data, count, out);
}

void WeightRows::read(int64_t row, int64_t column, int64_t count, uint16_t *out) const {
  DType dtype;
  const std::byte *data = locate(row, column, dtype);
  if (dtype == DType::BF16) {
    std::memcpy(out, data, static_cast<size_t>(count) * 2);
    return;
  }
  constexpr int64_t pieceColumns = 64; // on the stack
  float wide[pieceColumns];
  for (int64_t done = 0; done < count; done += pieceColumns) {
    int64_t part = std::min(pieceColumns, count - done);
    read(row, column + done, part, wide);
    models::floatToBf16(wide, part, out + done);
  }
}

} // namespace quipu
