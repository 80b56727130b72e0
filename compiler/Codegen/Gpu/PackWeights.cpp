#include "compiler/Codegen/Gpu/PackWeights.h"

#include <algorithm>
#include <cstring>

namespace quipu::gpu {

Expected<std::unique_ptr<WeightPacker>> TilePacker::create(WeightRows rows, bool gated) {
  const StorageFormat &storage = rows.storage();
  if (storage.isBlocked())
    return makeError("{}: weights of GPU targets are f32, f16 or bf16, not {}", rows.name(), storage.name);
  if (gated && rows.rows() % 2 != 0)
    return makeError("{} and those joined to it have {} rows; gate and up rows must be as many", rows.name(),
                     rows.rows());
  TileLayout layout{gated ? rows.rows() / 2 : rows.rows(), rows.columns(), storage.blockBytes, gated};
  return std::unique_ptr<WeightPacker>(new TilePacker(std::move(rows), layout));
}

int64_t TilePacker::rowInPanel(int64_t panel, int64_t row) const {
  int64_t column = panel * layout.panelColumns() + row % layout.panelColumns();
  return column < layout.n ? column + row / layout.panelColumns() * layout.n : -1;
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
      source.read(joined, column, std::min(layout.tileColumns(), layout.k - column), chunks);
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
