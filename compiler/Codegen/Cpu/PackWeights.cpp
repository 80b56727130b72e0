#include "compiler/Codegen/Cpu/PackWeights.h"

#include "compiler/Codegen/Cpu/PackBlocks.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>
#include <cstring>
#include <vector>

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

// Words [columns / 2][64] of two columns each become columns [columns][64] of 16 bits; an odd last one is alone.
void separatePairs(const uint32_t *words, int64_t columns, std::byte *out) {
  for (int64_t column = 0; column < columns; ++column) {
    uint16_t line[panelRows];
    for (int64_t row = 0; row < panelRows; ++row)
      line[row] = uint16_t(words[column / 2 * panelRows + row] >> (column % 2 * 16));
    std::memcpy(out + column * panelRows * 2, line, sizeof(line));
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

Expected<std::unique_ptr<WeightPacker>> PanelPacker::create(WeightRows rows, WeightForm form, int64_t matrices) {
  if (form == WeightForm::Panel64Gated && rows.rows() / matrices % 2 != 0)
    return makeError("{} and those joined to it have {} rows; gate and up rows must be as many", rows.name(),
                     rows.rows() / matrices);
  return std::unique_ptr<WeightPacker>(new PanelPacker(std::move(rows), form, matrices));
}

PanelLayout PanelPacker::layout() const {
  bool gated = form == WeightForm::Panel64Gated;
  return PanelLayout(gated ? matrixRows() / 2 : matrixRows(), source.columns(), source.storage(), gated);
}

uint64_t PanelPacker::bytes() const {
  if (form == WeightForm::RowMajor)
    return uint64_t(source.rows()) * source.storage().rowBytes(uint64_t(source.columns()));
  return uint64_t(matrices * layout().bytes());
}

int64_t PanelPacker::rowInPanel(int64_t panel, int64_t row) const {
  int64_t matrix = panel / layout().panels(), own = rowInMatrix(panel % layout().panels(), row);
  return own < 0 ? own : matrix * matrixRows() + own;
}

int64_t PanelPacker::rowInMatrix(int64_t panel, int64_t row) const {
  if (form == WeightForm::Panel64) {
    int64_t index = panel * panelRows + row;
    return index < matrixRows() ? index : -1;
  }
  int64_t half = panelRows / 2, n = matrixRows() / 2;
  int64_t index = panel * half + row % half;
  return index < n ? index + row / half * n : -1;
}

void PanelPacker::packUnits(int64_t panel, std::byte *out) const {
  const StorageFormat &format = source.storage();
  int64_t perRow = source.columns() / format.blockElements, atOnce = blockColumns * 4 / format.blockElements;
  std::vector<std::byte> blocks(size_t(panelRows * atOnce * format.blockBytes));
  for (int64_t first = 0; first < perRow; first += atOnce) {
    int64_t count = std::min(atOnce, perRow - first);
    auto blockAt = [&](int64_t row, int64_t index) {
      return &blocks[size_t((row * atOnce + index) * format.blockBytes)];
    };
    for (int64_t row = 0; row < panelRows; ++row)
      if (int64_t joined = rowInPanel(panel, row); joined >= 0)
        source.read(joined, first, count, blockAt(row, 0));
    for (int64_t index = 0; index < count; ++index) {
      PanelBlocks unit;
      for (int64_t row = 0; row < panelRows; ++row)
        unit[size_t(row)] = rowInPanel(panel, row) >= 0 ? blockAt(row, index) : nullptr;
      packUnit(format, unit, out);
      out += panelRows * format.blockBytes;
    }
  }
}

void PanelPacker::packPanel(int64_t panel, std::byte *out) const {
  if (source.storage().isBlocked())
    return packUnits(panel, out);
  int64_t wordColumns = 4 / source.storage().blockBytes; // columns in a 32-bit word
  int64_t columns = source.columns();
  for (int64_t column = 0; column < columns; column += blockColumns) {
    int64_t count = std::min(blockColumns, columns - column);
    uint32_t block[panelRows][blockColumns] = {}; // padding stays zero
    for (int64_t row = 0; row < panelRows; ++row) {
      int64_t joined = rowInPanel(panel, row);
      if (joined < 0)
        continue;
      source.read(joined, column, count, reinterpret_cast<std::byte *>(block[row]));
    }
    int64_t words = divideUp(count, wordColumns);
    std::byte *destination = out + column * panelRows * 4 / wordColumns;
    bool separates = source.storage().dtype == fb::DType::f16;
    if (words % 4 == 0 && !separates) {
      transpose(&block[0][0], blockColumns, words, reinterpret_cast<uint32_t *>(destination));
      continue;
    }
    uint32_t turned[blockColumns * panelRows];
    transpose(&block[0][0], blockColumns, (words + 3) / 4 * 4, turned);
    if (separates) {
      separatePairs(turned, count, destination);
      continue;
    }
    std::memcpy(destination, turned, size_t(words * panelRows * 4));
  }
}

void PanelPacker::packFlat(uint64_t begin, std::byte *out, uint64_t count) const {
  int64_t blockBytes = source.storage().blockBytes, perRow = source.columns() / source.storage().blockElements;
  int64_t block = int64_t(begin) / blockBytes, last = int64_t(begin + count) / blockBytes;
  while (block < last) {
    int64_t row = block / perRow, part = std::min(last, source.contiguousEnd(row) * perRow) - block;
    source.read(row, block % perRow, part, out);
    block += part;
    out += part * blockBytes;
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
