#include "compiler/Codegen/Gpu/PackedTile.h"

#include "compiler/Codegen/Gpu/Kernels/Matmul.h"
#include "compiler/Codegen/Gpu/ManyTile.h"
#include "compiler/Codegen/Gpu/WarpgroupTile.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace quipu::gpu {

namespace {

// Of a unit: reading L2, as published measurements of H100 have it (5.5 to 7 TB/s on 132 units); from memory to a
// unit; and what it takes to make sums known, to take a ticket, and to begin reading those of others.
constexpr int64_t bytesPerClock = 32, latencyClocks = 1200, exchangeClocks = 2000;
constexpr int64_t mostResident = 2; // blocks of a unit, as far as the choice goes

class Choice {
public:
  Choice(const Chip &chip) : chip(chip) {}

  void offer(PackedTile tile, const TileWork &work) {
    bool idle = work.results * 4 < chip.computeUnits * 3;
    for (int64_t splits = 1; splits == 1 || (idle && canShare(work, splits)); ++splits) {
      if (splits > 1 && work.results * splits > mostResident * chip.computeUnits)
        break;
      // Of equals the fewest splits, and the last tile.
      Clocks taken = clocks(work, splits, chip);
      auto order = std::pair(taken.all, taken.busiest);
      if (order < least || (order == least && splits == 1)) {
        least = order;
        best = {tile.tokens, tile.columns, splits};
      }
    }
  }

  PackedTile best;

private:
  const Chip &chip;
  std::pair<int64_t, int64_t> least = {std::numeric_limits<int64_t>::max(), 0};
};

} // namespace

Clocks clocks(const TileWork &work, int64_t splits, const Chip &chip) {
  int64_t turns = divideUp(work.results * splits, chip.computeUnits);
  int64_t step = std::max({work.multiplyClocks, work.readBytes / bytesPerClock,
                           latencyClocks / (work.stepsAhead * std::min(turns, mostResident))});
  int64_t busiest = turns * divideUp(work.steps, splits) * step;
  int64_t exchange = splits == 1 ? 0 : exchangeClocks + splits * work.sumBytes / bytesPerClock;
  return {busiest, std::max(busiest, work.weightBytes / chip.memoryBytesPerClock) + exchange};
}

int64_t sharedSumsBytes(const TileWork &work, int64_t splits) {
  return splits == 1 ? 0 : ticketBytes + work.results * splits * work.sumBytes;
}

bool canShare(const TileWork &work, int64_t splits) {
  return splits <= work.steps && work.results * work.waves <= ticketCount;
}

PackedTile choosePackedTile(const TileLayout &weight, const std::string &element, int64_t tokens, const Chip &chip) {
  Choice choice(chip);
  if (chip.matrix == Matrix::Wgmma && hasMatrix(chip, element)) {
    for (const WarpgroupTile &tile : warpgroupTiles(weight.gated))
      choice.offer({tile.tokens, tile.columns}, tile.work(weight, tokens, chip));
    return choice.best;
  }
  // Few tokens are no reason for large tiles. Of many they leave shared memory less to read.
  bool matrix = hasMatrix(chip, element);
  for (int64_t blockTokens : {64, 128})
    if (blockTokens == 64 ? tokens <= 256 || !matrix : tokens > 64 && matrix)
      choice.offer({blockTokens}, manyTile(blockTokens, weight, element, chip).work(weight, element, tokens, chip));
  return choice.best;
}

} // namespace quipu::gpu
