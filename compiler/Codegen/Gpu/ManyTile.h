// What a block of the matmuls of packed input that are not warpgroups' computes: with matrix instructions
// (device/matmul/many.h) or without (device/matmul/many_fma.h).
#pragma once

#include "compiler/Codegen/Gpu/PackedTile.h"

namespace quipu::gpu {

// Results of a block and of a wave. The gated form wants whole panels in a wave.
struct ManyTile {
  int64_t tokenTiles, panels; // of 64 in a block
  int64_t waveTokens, waveColumns, stages;
  int64_t threads;

  int64_t slotBytes() const { return (tokenTiles + panels) * tileBytes; }
  int64_t sharedBytes() const { return stages * slotBytes(); }
  TileWork work(const TileLayout &weight, const std::string &element, int64_t tokens, const Chip &chip) const;
};

// tokens: 64 or 128; without matrix instructions a block has 64.
ManyTile manyTile(int64_t tokens, const TileLayout &weight, const std::string &element, const Chip &chip);

} // namespace quipu::gpu
