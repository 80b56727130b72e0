// How many results a block of the warpgroups' matmul (device/matmul/warpgroup.h) computes at a time.
#pragma once

#include "compiler/Codegen/Gpu/PackedTile.h"

#include <vector>

namespace quipu::gpu {

struct WarpgroupTile {
  int64_t tokens;  // 64 or 128: a warpgroup each 64
  int64_t columns; // rows of W

  bool operator==(const WarpgroupTile &other) const { return tokens == other.tokens && columns == other.columns; }

  int64_t slotBytes() const { return (tokens + columns) * tileRowBytes; }
  // Blocks that share a unit: two where the sums leave room for it, so that one multiplies while the other stores.
  int64_t residentBlocks() const { return tokens * columns <= 64 * 128 ? 2 : 1; }
  int64_t stages(const Chip &chip) const;
  int64_t sharedBytes(const Chip &chip) const { return stages(chip) * (slotBytes() + 2 * barrierBytes); }
  TileWork work(const TileLayout &weight, int64_t tokens, const Chip &chip) const;

  static constexpr int64_t barrierBytes = 8;
};

// All that a weight of this form can be multiplied with.
std::vector<WarpgroupTile> warpgroupTiles(bool gated);

} // namespace quipu::gpu
