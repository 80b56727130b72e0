// How the matmul of packed input is shared out to blocks: how many results a block computes at a time, and how many
// blocks share those results, each with a part of k.
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "compiler/Codegen/Gpu/WeightLayout.h"

#include <string>

namespace quipu::gpu {

struct PackedTile {
  int64_t tokens = 0;
  int64_t columns = 0; // rows of W of a block of warpgroups (WarpgroupTile.h); 0: the kernels of ManyTile.h
  int64_t splits = 1;

  bool operator==(const PackedTile &other) const {
    return tokens == other.tokens && columns == other.columns && splits == other.splits;
  }
};

// What a block does for each of its tiles of results.
struct TileWork {
  int64_t results = 0;                                       // tiles of results
  int64_t steps = 0;                                         // tiles of k
  int64_t multiplyClocks = 0, readBytes = 0, stepsAhead = 1; // of a step
  int64_t sumBytes = 0;                                      // of all results of a tile, in f32
  int64_t waves = 0;                                         // that hold sums
  int64_t weightBytes = 0;
};

struct Clocks {
  int64_t busiest; // that the unit with most work takes for its steps
  int64_t all;     // not less than memory takes for the weight; with what blocks tell one another
};

// When `splits` blocks share a tile of results.
Clocks clocks(const TileWork &work, int64_t splits, const Chip &chip);

// What takes least time for `tokens` tokens, by the chip's description. Large tiles read less from L2 for each product,
// small ones are enough to keep all units busy; where they are not, and more than a quarter of the units would be idle,
// blocks share k. element: the device type, "float", "bf16" or "f16".
PackedTile choosePackedTile(const TileLayout &weight, const std::string &element, int64_t tokens, const Chip &chip);

// The scratch of a matmul whose blocks share k (device/matmul/shared_sums.h): tickets, one for each wave of a tile of
// results, then the sums of all.
constexpr int64_t ticketCount = 2048, ticketBytes = 4 * ticketCount;
int64_t sharedSumsBytes(const TileWork &work, int64_t splits);
// Whether each split has tiles of k, and each wave a ticket.
bool canShare(const TileWork &work, int64_t splits);

} // namespace quipu::gpu
