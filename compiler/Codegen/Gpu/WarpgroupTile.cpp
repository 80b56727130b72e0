#include "compiler/Codegen/Gpu/WarpgroupTile.h"

#include <algorithm>
#include <limits>

namespace quipu::gpu {

namespace {

constexpr int64_t mostStages = 8;
// Of a multiprocessor and a clock. H100: 989 TFLOP/s of bf16 at 1.83 GHz on 132; reading L2 at 5.5 to 7 TB/s, as
// published measurements have it.
constexpr int64_t productsPerClock = 2048, bytesPerClock = 32;

int64_t divideUp(int64_t value, int64_t by) { return (value + by - 1) / by; }

// Clocks that the busiest unit takes for 64 elements of k, all its tiles counted.
int64_t clocks(const WarpgroupTile &tile, const TileLayout &weight, int64_t tokens, const Chip &chip) {
  int64_t tiles = divideUp(tokens, tile.tokens) * divideUp(weight.panels() * tileRows, tile.columns);
  int64_t multiply = tile.tokens * tile.columns * 64 / productsPerClock, read = tile.slotBytes() / bytesPerClock;
  return divideUp(tiles, chip.computeUnits) * std::max(multiply, read);
}

} // namespace

int64_t WarpgroupTile::stages(const Chip &chip) const {
  // A unit keeps 1 KiB for each block.
  int64_t room = std::min(chip.sharedPerBlock, chip.sharedPerUnit / residentBlocks() - 1024);
  return std::min(mostStages, room / (slotBytes() + 2 * barrierBytes));
}

std::vector<WarpgroupTile> warpgroupTiles(bool gated) {
  std::vector<WarpgroupTile> tiles;
  for (int64_t tokens : {64, 128})
    for (int64_t columns : {32, 64, 128, 256})
      if (columns >= tileRows || (!gated && tokens == 64))
        tiles.push_back({tokens, columns});
  return tiles;
}

WarpgroupTile chooseWarpgroupTile(const TileLayout &weight, int64_t tokens, const Chip &chip) {
  WarpgroupTile best = {};
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const WarpgroupTile &tile : warpgroupTiles(weight.gated))
    if (int64_t taken = clocks(tile, weight, tokens, chip); taken <= least) { // of equals the larger one
      least = taken;
      best = tile;
    }
  return best;
}

} // namespace quipu::gpu
