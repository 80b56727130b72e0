#include "compiler/Codegen/Cpu/PackWeights.h"

#include "models/import/FloatConversion.h"

#include <algorithm>
#include <cstring>

namespace quipu::cpu {

using models::DType;
using models::TensorInfo;

namespace {

constexpr int64_t blockColumns = 64; // a block of 64 rows by 64 columns is small enough for L1

using Words = uint32_t __attribute__((vector_size(16), aligned(4)));

// out[c * panelRows + r] = in[r * stride + c] for a block of panelRows rows and `columns` 32-bit words, a multiple
// of 4.
void transpose(const uint32_t *in, int64_t stride, int64_t columns, uint32_t *out) {
  for (int64_t c = 0; c < columns; c += 4)
    for (int64_t r = 0; r < panelRows; r += 4) {
      Words row[4];
      for (int64_t i = 0; i < 4; ++i)
        std::memcpy(&row[i], in + (r + i) * stride + c, sizeof(Words));
      Words low01 = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
      Words high01 = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
      Words low23 = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
      Words high23 = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
      Words column[4] = {
          __builtin_shufflevector(low01, low23, 0, 1, 4, 5), __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
          __builtin_shufflevector(high01, high23, 0, 1, 4, 5), __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
      for (int64_t i = 0; i < 4; ++i)
        std::memcpy(out + (c + i) * panelRows + r, &column[i], sizeof(Words));
    }
}

} // namespace

Expected<WeightForm> parseWeightForm(std::string_view name) {
  if (name == "row_major")
    return WeightForm::RowMajor;
  if (name == "panel64")
    return WeightForm::Panel64;
  if (name == "panel64_gated")
    return WeightForm::Panel64Gated;
  return makeError("unknown weight layout \"{}\"; known are row_major, panel64 and panel64_gated", name);
}

Expected<WeightPacker> WeightPacker::create(std::vector<const TensorInfo *> tensors, Storage storage, WeightForm form) {
  WeightPacker packer;
  packer.storage = storage;
  packer.form = form;
  for (const TensorInfo *tensor : tensors) {
    if (!models::isWeightType(tensor->dtype))
      return makeError("{}: tensor {} is {}; weights are F32, F16 or BF16", tensor->file, tensor->name,
                       models::dtypeName(tensor->dtype));
    // A vector counts as a column, so that vectors join end to end.
    bool vector = tensor->shape.size() < 2;
    int64_t rows = vector ? tensor->elements() : tensor->rows(), columns = vector ? 1 : tensor->rowSize();
    if (packer.columns != 0 && columns != packer.columns)
      return makeError("{}: tensor {} has rows of {} elements, those of {} have {}; they cannot be joined",
                       tensor->file, tensor->name, columns, tensors[0]->name, packer.columns);
    packer.columns = columns;
    packer.sources.push_back({tensor, packer.rows, rows});
    packer.rows += rows;
  }
  if (packer.rows == 0 || packer.columns == 0)
    return makeError("a weight without elements cannot be packed{}", tensors.empty() ? "" : ": " + tensors[0]->name);
  if (form == WeightForm::Panel64Gated && packer.rows % 2 != 0)
    return makeError("{}: tensor {} and those joined to it have {} rows; gate and up rows must be as many",
                     tensors[0]->file, tensors[0]->name, packer.rows);
  return packer;
}

static PanelLayout panelLayout(int64_t rows, int64_t columns, Storage storage, WeightForm form) {
  bool gated = form == WeightForm::Panel64Gated;
  return PanelLayout(gated ? rows / 2 : rows, columns, storage, gated);
}

uint64_t WeightPacker::bytes() const {
  if (form == WeightForm::RowMajor)
    return uint64_t(rows) * uint64_t(columns) * (storage == Storage::F32 ? 4 : 2);
  return uint64_t(panelLayout(rows, columns, storage, form).bytes());
}

const std::byte *WeightPacker::locate(int64_t row, int64_t column, DType &dtype) const {
  auto source = std::find_if(sources.begin(), sources.end(),
                             [&](const Source &s) { return row >= s.firstRow && row < s.firstRow + s.rows; });
  dtype = source->tensor->dtype;
  return source->tensor->data + ((row - source->firstRow) * columns + column) * int64_t(models::byteSize(dtype));
}

void WeightPacker::readSegment(int64_t row, int64_t column, int64_t count, float *out) const {
  DType dtype;
  const std::byte *data = locate(row, column, dtype);
  if (dtype == DType::F32)
    std::memcpy(out, data, size_t(count) * 4);
  else if (dtype == DType::BF16)
    models::bf16ToFloat(data, count, out);
  else
    models::f16ToFloat(data, count, out);
}

void WeightPacker::readSegment(int64_t row, int64_t column, int64_t count, uint16_t *out) const {
  DType dtype;
  const std::byte *data = locate(row, column, dtype);
  if (dtype == DType::BF16) {
    std::memcpy(out, data, size_t(count) * 2);
    return;
  }
  float wide[blockColumns];
  for (int64_t done = 0; done < count; done += blockColumns) {
    int64_t part = std::min(blockColumns, count - done);
    readSegment(row, column + done, part, wide);
    models::floatToBf16(wide, part, out + done);
  }
}

int64_t WeightPacker::rowInPanel(int64_t panel, int64_t row) const {
  if (form == WeightForm::Panel64) {
    int64_t index = panel * panelRows + row;
    return index < rows ? index : -1;
  }
  int64_t half = panelRows / 2, n = rows / 2;
  int64_t index = panel * half + row % half;
  return index < n ? index + row / half * n : -1;
}

void WeightPacker::packPanel(int64_t panel, std::byte *out) const {
  int64_t wordColumns = storage == Storage::F32 ? 1 : 2; // columns in a 32-bit word
  for (int64_t column = 0; column < columns; column += blockColumns) {
    int64_t count = std::min(blockColumns, columns - column);
    uint32_t block[panelRows][blockColumns] = {}; // padding stays zero
    for (int64_t row = 0; row < panelRows; ++row) {
      int64_t joined = rowInPanel(panel, row);
      if (joined < 0)
        continue;
      if (storage == Storage::F32)
        readSegment(joined, column, count, reinterpret_cast<float *>(block[row]));
      else
        readSegment(joined, column, count, reinterpret_cast<uint16_t *>(block[row]));
    }
    int64_t words = (count + wordColumns - 1) / wordColumns;
    std::byte *destination = out + column / wordColumns * panelRows * 4;
    if (words % 4 == 0) {
      transpose(&block[0][0], blockColumns, words, reinterpret_cast<uint32_t *>(destination));
      continue;
    }
    uint32_t turned[blockColumns * panelRows];
    transpose(&block[0][0], blockColumns, (words + 3) / 4 * 4, turned);
    std::memcpy(destination, turned, size_t(words * panelRows * 4));
  }
}

void WeightPacker::packFlat(uint64_t begin, std::byte *out, uint64_t count) const {
  int64_t elementBytes = storage == Storage::F32 ? 4 : 2;
  int64_t element = int64_t(begin) / elementBytes, last = int64_t(begin + count) / elementBytes;
  while (element < last) {
    // A source is contiguous, so a segment reaches to its end.
    int64_t row = element / columns;
    auto source =
        std::find_if(sources.begin(), sources.end(), [&](const Source &s) { return row < s.firstRow + s.rows; });
    int64_t part = std::min(last, (source->firstRow + source->rows) * columns) - element;
    if (storage == Storage::F32)
      readSegment(row, element % columns, part, reinterpret_cast<float *>(out));
    else
      readSegment(row, element % columns, part, reinterpret_cast<uint16_t *>(out));
    element += part;
    out += part * elementBytes;
  }
}

void WeightPacker::pack(uint64_t begin, std::byte *out, uint64_t count) const {
  if (form == WeightForm::RowMajor)
    return packFlat(begin, out, count);
  auto panelBytes = uint64_t(panelLayout(rows, columns, storage, form).panelBytes());
  for (uint64_t at = 0; at < count; at += panelBytes)
    packPanel(int64_t((begin + at) / panelBytes), out + at);
}

} // namespace quipu::cpu
