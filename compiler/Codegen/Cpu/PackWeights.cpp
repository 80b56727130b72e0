#include "compiler/Codegen/Cpu/PackWeights.h"

#include <algorithm>
#include <cstring>

namespace quipu::cpu {

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

Expected<std::unique_ptr<WeightPacker>> PanelPacker::create(WeightRows rows, Storage storage, WeightForm form) {
  if (form == WeightForm::Panel64Gated && rows.rows() % 2 != 0)
    return makeError("{} and those joined to it have {} rows; gate and up rows must be as many", rows.name(),
                     rows.rows());
  return std::unique_ptr<WeightPacker>(new PanelPacker(std::move(rows), storage, form));
}

PanelLayout PanelPacker::layout() const {
  bool gated = form == WeightForm::Panel64Gated;
  return PanelLayout(gated ? source.rows() / 2 : source.rows(), source.columns(),
                     *findStorageFormat(storage == Storage::F32 ? fb::DType::f32 : fb::DType::bf16), gated);
}

uint64_t PanelPacker::bytes() const {
  if (form == WeightForm::RowMajor)
    return uint64_t(source.rows()) * uint64_t(source.columns()) * (storage == Storage::F32 ? 4 : 2);
  return uint64_t(layout().bytes());
}

int64_t PanelPacker::rowInPanel(int64_t panel, int64_t row) const {
  if (form == WeightForm::Panel64) {
    int64_t index = panel * panelRows + row;
    return index < source.rows() ? index : -1;
  }
  int64_t half = panelRows / 2, n = source.rows() / 2;
  int64_t index = panel * half + row % half;
  return index < n ? index + row / half * n : -1;
}

void PanelPacker::packPanel(int64_t panel, std::byte *out) const {
  int64_t wordColumns = storage == Storage::F32 ? 1 : 2; // columns in a 32-bit word
  int64_t columns = source.columns();
  for (int64_t column = 0; column < columns; column += blockColumns) {
    int64_t count = std::min(blockColumns, columns - column);
    uint32_t block[panelRows][blockColumns] = {}; // padding stays zero
    for (int64_t row = 0; row < panelRows; ++row) {
      int64_t joined = rowInPanel(panel, row);
      if (joined < 0)
        continue;
      if (storage == Storage::F32)
        source.read(joined, column, count, reinterpret_cast<float *>(block[row]));
      else
        source.read(joined, column, count, reinterpret_cast<uint16_t *>(block[row]));
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

void PanelPacker::packFlat(uint64_t begin, std::byte *out, uint64_t count) const {
  int64_t elementBytes = storage == Storage::F32 ? 4 : 2, columns = source.columns();
  int64_t element = int64_t(begin) / elementBytes, last = int64_t(begin + count) / elementBytes;
  while (element < last) {
    // A source is contiguous, so a segment reaches to its end.
    int64_t row = element / columns;
    int64_t part = std::min(last, source.contiguousEnd(row) * columns) - element;
    if (storage == Storage::F32)
      source.read(row, element % columns, part, reinterpret_cast<float *>(out));
    else
      source.read(row, element % columns, part, reinterpret_cast<uint16_t *>(out));
    element += part;
    out += part * elementBytes;
  }
}

void PanelPacker::pack(uint64_t begin, std::byte *out, uint64_t count) const {
  if (form == WeightForm::RowMajor)
    return packFlat(begin, out, count);
  auto panelBytes = uint64_t(layout().panelBytes());
  for (uint64_t at = 0; at < count; at += panelBytes)
    packPanel(int64_t((begin + at) / panelBytes), out + at);
}

} // namespace quipu::cpu
