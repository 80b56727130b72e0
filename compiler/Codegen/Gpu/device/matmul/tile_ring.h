// Tiles of packed input and of weight on their way through shared memory.
#pragma once
#include "compiler/Codegen/Gpu/device/matmul/fragments.h"

// Slot s holds, for one k, tokenTiles tiles of the input and then panelTiles of the weight. Rows of tiles past the last
// one (the block reaches beyond the matrix) hold the last one's: their results are not stored. Of the `tiles` of k the
// block takes `part`, and calls the first of them 0.
template <int threads, int tokenTiles, int panelTiles, int stages, int tiles> struct TileRing {
  enum {
    slotTiles = tokenTiles + panelTiles,
    slotBytes = slotTiles * tileBytes,
    turns = slotBytes / 16 / threads, // chunks a thread brings
    tileTurns = tileBytes / 16 / threads,
  };
  static_assert(tileTurns * threads * 16 == tileBytes, "a tile is shared out evenly");

  u8 *shared;
  int count;                   // tiles of k
  const u8 *source[slotTiles]; // of this thread, in the first of them

  template <class Part>
  QUIPU_DEVICE_MEMBER TileRing(u8 *shared, const Part &part, const void *packed, int firstTokenTile, int allTokenTiles,
                               const void *weight, int firstPanel, int allPanels)
      : shared(shared), count(part.count) {
#pragma unroll
    for (int i = 0; i < slotTiles; ++i) {
      bool token = i < tokenTiles;
      int row =
          token ? smaller(firstTokenTile + i, allTokenTiles - 1) : smaller(firstPanel + i - tokenTiles, allPanels - 1);
      source[i] =
          (const u8 *)(token ? packed : weight) + (i64(row) * tiles + part.first) * tileBytes + threadIndex() * 16;
    }
#if QUIPU_CP_ASYNC
#pragma unroll
    for (int ahead = 0; ahead < stages - 1; ++ahead)
      bring(ahead);
#else
    bring(0);
#endif
  }

#if QUIPU_CP_ASYNC
  QUIPU_DEVICE_MEMBER void bring(int tile) {
    u8 *slot = shared + tile % stages * slotBytes + threadIndex() * 16;
    if (tile < count)
#pragma unroll
      for (int i = 0; i < turns; ++i)
        copyAsync(slot + i * threads * 16,
                  source[i / tileTurns] + i64(tile) * tileBytes + i % tileTurns * threads * 16);
    commitCopies();
  }

  // The slot of a tile; tiles are asked for in order.
  QUIPU_DEVICE_MEMBER const u8 *next(int tile) {
    waitCopies<stages - 2>();
    blockBarrier(); // for the copies of the others, and until all have left the slot that is filled now
    bring(tile + stages - 1);
    return shared + tile % stages * slotBytes;
  }
#else
  Chunk arriving[turns];

  QUIPU_DEVICE_MEMBER void bring(int tile) {
#pragma unroll
    for (int i = 0; i < turns; ++i)
      arriving[i] = loadChunk(source[i / tileTurns] + i64(tile) * tileBytes + i % tileTurns * threads * 16);
  }

  QUIPU_DEVICE_MEMBER const u8 *next(int tile) {
    u8 *slot = shared + tile % stages * slotBytes;
    if (stages == 1)
      blockBarrier(); // until all have left the slot
#pragma unroll
    for (int i = 0; i < turns; ++i)
      storeChunk(slot + (i * threads + threadIndex()) * 16, arriving[i]);
    blockBarrier();
    if (tile + 1 < count)
      bring(tile + 1);
    return slot;
  }
#endif
};
