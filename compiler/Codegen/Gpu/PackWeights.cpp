#include "compiler/Codegen/Gpu/PackWeights.h"

#include "models/import/FloatConversion.h"

#include <algorithm>
#include <cstring>

namespace quipu::gpu {

Expected<std::unique_ptr<WeightPacker>> TilePacker::create(WeightRows rows, fb::DType storage, bool gated) {
  if (storage != fb::DType::f32 && storage != fb::DType::f16 && storage != fb::DType::bf16)
    return makeError("{}: weights of GPU targets are f32, f16 or bf16, not {}", rows.name(),
                     fb::EnumNameDType(storage));
  if (gated && rows.rows() % 2 != 0)
    return makeError("{} and those joined to it have {} rows; gate and up rows must be as many", rows.name(),
                     rows.rows());
  TileLayout layout{gated ? rows.rows() / 2 : rows.rows(), rows.columns(), storage == fb::DType::f32 ? 4 : 2, gated};
  return std::unique_ptr<WeightPacker>(new TilePacker(std::move(rows), storage, layout));
}

int64_t TilePacker::rowInPanel(int64_t panel, int64_t row) const {
  int64_t column = panel * layout.panelColumns() + row % layout.panelColumns();
  return column < layout.n ? column + row / layout.panelColumns() * layout.n : -1;
}

void TilePacker::readElements(int64_t row, int64_t column, int64_t count, std::byte *out) const {
  if (storage == fb::DType::f32)
    return source.read(row, column, count, reinterpret_cast<float *>(out));
  if (storage == fb::DType::bf16)
    return source.read(row, column, count, reinterpret_cast<uint16_t *>(out));
  float wide[tileRowBytes / 2];
  source.read(row, column, count, wide);
  models::floatToF16(wide, count, reinterpret_cast<uint16_t *>(out));
}

void TilePacker::packPanel(int64_t panel, std::byte *out) const {
  std::memset(out, 0, size_t(layout.panelBytes()));
  for (int64_t row = 0; row < tileRows; ++row) {
    int64_t joined = rowInPanel(panel, row);
    if (joined < 0)
      continue;
    for (int64_t tile = 0; tile < layout.tiles(); ++tile) {
      int64_t column = tile * layout.tileColumns();
      alignas(16) std::byte chunks[tileRowBytes] = {};
      readElements(joined, column, std::min(layout.tileColumns(), layout.k - column), chunks);
      for (int64_t chunk = 0; chunk < tileRowBytes / tileChunkBytes; ++chunk)
        std::memcpy(out + tile * tileBytes + chunkPlace(row, chunk), chunks + chunk * tileChunkBytes, tileChunkBytes);
    }
  }
}

void TilePacker::pack(uint64_t begin, std::byte *out, uint64_t count) const {
  auto panelBytes = uint64_t(layout.panelBytes());
  for (uint64_t at = 0; at < count; at += panelBytes)
    packPanel(int64_t((begin + at) / panelBytes), out + at);
}

} // namespace quipu::gpu
