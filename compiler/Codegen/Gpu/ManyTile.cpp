#include "compiler/Codegen/Gpu/ManyTile.h"

#include "compiler/Codegen/Gpu/Kernels/Matmul.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>

namespace quipu::gpu {

namespace {

// Multiplications and additions of a unit in a clock: A100, MI300X and the RTX cards of both vendors, as published.
int64_t productsPerClock(const std::string &element, const Chip &chip) {
  if (!hasMatrix(chip, element))
    return element == "f16" && chip.hasDotF16 ? 256 : 128;
  switch (chip.matrix) {
  case Matrix::WmmaRdna3:
    return 256;
  case Matrix::WmmaRdna4:
    return 512;
  case Matrix::MfmaWide:
    return 2048;
  default:
    return 1024;
  }
}

} // namespace

ManyTile manyTile(int64_t tokens, const TileLayout &weight, const std::string &element, const Chip &chip) {
  bool async = chip.asyncCopy != AsyncCopy::None;
  if (!hasMatrix(chip, element))
    return {1, 1, 0, 0, async ? 3 : 2, 256};
  ManyTile tile = tokens <= 64 ? ManyTile{1, 1, 32, 32, async ? 4 : 1, 0} : ManyTile{2, 2, 32, 64, async ? 3 : 1, 0};
  // Where registers suffice, a wave takes 64 x 64: it reads a quarter less from shared memory for each product.
  if (tokens > 64 && chip.waveWidth == 64)
    tile.waveTokens = 64;
  if (weight.gated)
    tile.waveColumns = 64, tile.waveTokens = std::min<int64_t>(tile.waveTokens, tokens <= 64 ? 16 : 64);
  tile.threads = tile.tokenTiles * 64 / tile.waveTokens * (tile.panels * 64 / tile.waveColumns) * chip.waveWidth;
  return tile;
}

TileWork ManyTile::work(const TileLayout &weight, const std::string &element, int64_t tokens, const Chip &chip) const {
  int64_t blockTokens = tokenTiles * tileRows, blockColumns = panels * tileRows;
  TileWork work;
  work.results = divideUp(tokens, blockTokens) * divideUp(weight.panels(), panels);
  work.steps = weight.tiles();
  work.weightBytes = weight.bytes();
  work.multiplyClocks = blockTokens * blockColumns * weight.tileColumns() / productsPerClock(element, chip);
  work.readBytes = slotBytes();
  work.stepsAhead = chip.asyncCopy != AsyncCopy::None ? stages - 1 : 1;
  work.sumBytes = blockTokens * blockColumns * 4;
  work.waves = threads / chip.waveWidth;
  return work;
}

} // namespace quipu::gpu
