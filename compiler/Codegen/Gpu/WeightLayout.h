// How matmul weights lie in memory for GPUs, and the packed input of matmuls for many tokens.
//
// tile64: [N/64][K/KT][64 rows][128 bytes], KT elements of k in 128 bytes (64 of bf16 and f16, 32 of f32); N and K are
// padded with zeros. The eight 16-byte chunks of a row lie at chunk ^ (row % 8): a tile copied to shared memory as it
// is is read without bank conflicts, and meets the 128-byte swizzle of wgmma. A tile is one piece of 8 KiB, so that
// bulk copies, cp.async and plain 16-byte loads all read it in order. Gated (W holds N gate rows, then N up rows): row
// r < 32 of panel p is gate row 32p + r, row 32 + r its up row. The packed input has the form of an ungated weight,
// rows being tokens.
#pragma once

#include "runtime/Support/Rounding.h"

#include <cstdint>

namespace quipu::gpu {

constexpr int64_t tileRows = 64;
constexpr int64_t tileRowBytes = 128;
constexpr int64_t tileBytes = tileRows * tileRowBytes;
constexpr int64_t tileChunkBytes = 16;

// Where chunk `chunk` of row `row` begins in a tile.
constexpr int64_t chunkPlace(int64_t row, int64_t chunk) {
  return row * tileRowBytes + (chunk ^ (row % 8)) * tileChunkBytes;
}

struct TileLayout {
  int64_t n, k; // n: outputs; the gated form has two rows of W for each
  int64_t elementBytes;
  bool gated = false;

  int64_t tileColumns() const { return tileRowBytes / elementBytes; }
  int64_t tiles() const { return divideUp(k, tileColumns()); } // of a panel
  int64_t panelColumns() const { return gated ? tileRows / 2 : tileRows; }
  int64_t panels() const { return divideUp(n, panelColumns()); }
  int64_t panelBytes() const { return tiles() * tileBytes; }
  int64_t bytes() const { return panels() * panelBytes(); }
};

} // namespace quipu::gpu
