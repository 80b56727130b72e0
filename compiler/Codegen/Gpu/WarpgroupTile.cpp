#include "compiler/Codegen/Gpu/WarpgroupTile.h"

#include "runtime/Support/Rounding.h"

#include <algorithm>

namespace quipu::gpu {

namespace {

constexpr int64_t mostStages = 8;
// Of a multiprocessor and a clock. H100: 989 TFLOP/s of bf16 at 1.83 GHz on 132.
constexpr int64_t productsPerClock = 2048;

} // namespace

int64_t WarpgroupTile::stages(const Chip &chip) const {
  // A unit keeps 1 KiB for each block.
  int64_t room = std::min(chip.sharedPerBlock, chip.sharedPerUnit / residentBlocks() - 1024);
  return std::min(mostStages, room / (slotBytes() + 2 * barrierBytes));
}

TileWork WarpgroupTile::work(const TileLayout &weight, int64_t allTokens, const Chip &chip) const {
  TileWork work;
  work.results = divideUp(allTokens, tokens) * divideUp(weight.panels() * tileRows, columns);
  work.steps = weight.tiles();
  work.weightBytes = weight.bytes();
  work.multiplyClocks = tokens * columns * weight.tileColumns() / productsPerClock;
  work.readBytes = slotBytes();
  work.stepsAhead = stages(chip);
  work.sumBytes = tokens * columns * 4;
  work.waves = tokens / 64 * 4;
  return work;
}

std::vector<WarpgroupTile> warpgroupTiles(bool gated) {
  std::vector<WarpgroupTile> tiles;
  for (int64_t tokens : {64, 128})
    for (int64_t columns : {32, 64, 128, 256})
      if (columns >= tileRows || (!gated && tokens == 64))
        tiles.push_back({tokens, columns});
  return tiles;
}

} // namespace quipu::gpu
