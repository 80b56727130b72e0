// matmul for many tokens without matrix instructions: f32 weights, and chips that have none. A block of 256
// threads computes 64 tokens by one panel, a thread 4 x 4 of them, 16 apart.
//
// The printed Shape: Element, n, k, gated, stages, splits (blocks that share a tile of results).
#pragma once
#include "compiler/Codegen/Gpu/device/matmul/epilogue.h"
#include "compiler/Codegen/Gpu/device/matmul/shared_sums.h"
#include "compiler/Codegen/Gpu/device/matmul/tile_ring.h"

template <class Shape> struct ManyTokensFma {
  typedef typename Shape::Element Element;
  enum {
    tileColumns = ChunkOf<Element>::count * tileChunks,
    tiles = (Shape::k + tileColumns - 1) / tileColumns,
    panelColumns = Shape::gated ? 32 : 64,
    allPanels = (Shape::n + panelColumns - 1) / panelColumns,
    results = panelColumns / 16,
  };
  typedef TileRing<256, 1, 1, Shape::stages, tiles> Ring;

  template <class Epilogue>
  static QUIPU_DEVICE_MEMBER void run(const void *packed, const void *weight, const Epilogue &epilogue, int rows,
                                      void *scratch) {
    QUIPU_DYNAMIC_SHARED(shared);
    if (blockX() * 64 >= rows)
      return;
    int ownRow = threadIndex() / 16, ownColumn = threadIndex() % 16;
    float d[4][4] = {};
    SplitTiles<tiles, Shape::splits> part(blockZ());
    Ring ring(shared, part, packed, blockX(), (rows + 63) / 64, weight, blockY(), allPanels);
#pragma unroll 1
    for (int tile = 0; tile < part.count; ++tile) {
      const u8 *slot = ring.next(tile);
#pragma unroll 2
      for (int chunk = 0; chunk < tileChunks; ++chunk) {
        Chunk a[4], b[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          a[i] = loadChunk(slot + chunkPlace(ownRow + 16 * i, chunk));
          b[i] = loadChunk(slot + tileBytes + chunkPlace(ownColumn + 16 * i, chunk));
        }
#pragma unroll
        for (int word = 0; word < 4; ++word)
#pragma unroll
          for (int i = 0; i < 4; ++i)
#pragma unroll
            for (int j = 0; j < 4; ++j)
              d[i][j] = multiplyWords(Element(), a[i].word[word], b[j].word[word], d[i][j]);
      }
    }
    int place = blockY() * ((rows + 63) / 64) + blockX();
    if (!SharedSums<Shape::splits, 256 / waveWidth, 16>::gather(&d[0][0], scratch, place, blockZ()))
      return;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      int row = blockX() * 64 + ownRow + 16 * i;
      if (row < rows)
#pragma unroll
        for (int j = 0; j < results; ++j)
          storeResult(epilogue, row, blockY() * panelColumns + ownColumn + 16 * j, d[i][j],
                      d[i][Shape::gated ? j + 2 : j]);
    }
  }
};
