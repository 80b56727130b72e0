// matmul for many tokens, bound by the matrix unit: x comes packed in tiles (pack_input), as the weight does.
//
// A block computes tokenTiles * 64 tokens by panels * 64 rows of W. Tiles of 64 elements of k go through shared memory,
// as they lie: cp.async keeps `stages` of them coming; chips without it load the next ones into registers while they
// multiply. A wave owns waveTokens x waveColumns of the block's results, whole panels in the gated form, so that a lane
// has both a gate and its up.
//
// The printed Shape: Element, n, k, gated, splits (blocks that share a tile of results), tokenTiles, panels, stages,
// waveTokens, waveColumns.
#pragma once
#include "compiler/Codegen/Gpu/device/matmul/epilogue.h"
#include "compiler/Codegen/Gpu/device/matmul/shared_sums.h"
#include "compiler/Codegen/Gpu/device/matmul/tile_ring.h"

template <class Shape> struct ManyTokens {
  typedef typename Shape::Element Element;
  enum {
    tiles = (Shape::k + 63) / 64,
    blockTokens = Shape::tokenTiles * 64,
    wavesAcross = Shape::panels * 64 / Shape::waveColumns,
    threads = blockTokens / Shape::waveTokens * wavesAcross * waveWidth,
    tokenFragments = Shape::waveTokens / MatrixUnit::rows,
    columnFragments = Shape::waveColumns / MatrixUnit::columns,
    sums = tokenFragments * columnFragments * MatrixUnit::sums,
    panelColumns = Shape::gated ? 32 : 64,
    allPanels = (Shape::n + panelColumns - 1) / panelColumns,
  };
  typedef TileRing<threads, Shape::tokenTiles, Shape::panels, Shape::stages, tiles> Ring;

  float d[tokenFragments][columnFragments][MatrixUnit::sums];
  int waveToken, waveColumn; // first of the wave in the block

  template <class Epilogue>
  static QUIPU_DEVICE_MEMBER void run(const void *packed, const void *weight, const Epilogue &epilogue, int rows,
                                      void *scratch) {
    QUIPU_DYNAMIC_SHARED(shared);
    int firstToken = blockX() * blockTokens, firstPanel = blockY() * Shape::panels;
    if (firstToken >= rows)
      return;
    ManyTokens product;
    SplitTiles<tiles, Shape::splits> part(blockZ());
    Ring ring(shared, part, packed, blockX() * Shape::tokenTiles, (rows + 63) / 64, weight, firstPanel, allPanels);
#pragma unroll 1
    for (int tile = 0; tile < part.count; ++tile) {
      const u8 *slot = ring.next(tile);
      product.add(slot, slot + Shape::tokenTiles * tileBytes);
    }
    int place = blockY() * ((rows + blockTokens - 1) / blockTokens) + blockX();
    if (SharedSums<Shape::splits, threads / waveWidth, sums>::gather(&product.d[0][0][0], scratch, place, blockZ()))
      product.store(epilogue, rows, firstToken, firstPanel);
  }

  QUIPU_DEVICE_MEMBER ManyTokens() {
    waveToken = waveIndex() / wavesAcross * Shape::waveTokens;
    waveColumn = waveIndex() % wavesAcross * Shape::waveColumns;
#pragma unroll
    for (int m = 0; m < tokenFragments; ++m)
#pragma unroll
      for (int n = 0; n < columnFragments; ++n)
#pragma unroll
        for (int i = 0; i < MatrixUnit::sums; ++i)
          d[m][n][i] = 0;
  }

  QUIPU_DEVICE_MEMBER void add(const u8 *tokens, const u8 *columns) {
#pragma unroll
    for (int step = 0; step < MatrixUnit::steps; ++step) {
      Chunk a[tokenFragments][MatrixUnit::aChunks], b[columnFragments][MatrixUnit::bChunks];
#pragma unroll
      for (int m = 0; m < tokenFragments; ++m)
#pragma unroll
        for (int i = 0; i < MatrixUnit::aChunks; ++i)
          a[m][i] = loadChunk(tokens + waveToken * tileRowBytes + m * MatrixUnit::rows * tileRowBytes +
                              chunkPlace(MatrixUnit::aRow(i), MatrixUnit::tileChunk(step, i)));
#pragma unroll
      for (int n = 0; n < columnFragments; ++n)
#pragma unroll
        for (int i = 0; i < MatrixUnit::bChunks; ++i)
          b[n][i] = loadChunk(columns + waveColumn * tileRowBytes + n * MatrixUnit::columns * tileRowBytes +
                              chunkPlace(MatrixUnit::bRow(), MatrixUnit::tileChunk(step, i)));
#pragma unroll
      for (int m = 0; m < tokenFragments; ++m)
#pragma unroll
        for (int n = 0; n < columnFragments; ++n)
          MatrixUnit::multiply(Element(), d[m][n], a[m], b[n]);
    }
  }

  template <class Epilogue>
  QUIPU_DEVICE_MEMBER void store(const Epilogue &epilogue, int rows, int firstToken, int firstPanel) const {
    enum { toUp = 32 / MatrixUnit::columns, panelFragments = 64 / MatrixUnit::columns };
    enum { results = Shape::gated ? toUp : panelFragments }; // fragments of a panel that are results
#pragma unroll
    for (int n = 0; n < columnFragments; ++n) {
      if (n % panelFragments >= results)
        continue;
      int panel = firstPanel + (waveColumn + n * MatrixUnit::columns) / 64;
      int inPanel = (waveColumn + n * MatrixUnit::columns) % 64;
      auto rowOf = [&](int m, int i) { return firstToken + waveToken + m * MatrixUnit::rows + MatrixUnit::sumRow(i); };
      auto columnOf = [&](int i) { return panel * panelColumns + inPanel + MatrixUnit::sumColumn(i); };
      FloatPair added[tokenFragments][MatrixUnit::sums / MatrixUnit::sumRun];
#pragma unroll
      for (int m = 0; m < tokenFragments; ++m)
#pragma unroll
        for (int i = 0; i < MatrixUnit::sums; i += MatrixUnit::sumRun) {
          int row = smaller(rowOf(m, i), rows - 1);
          FloatPair &pair = added[m][i / MatrixUnit::sumRun];
          if (MatrixUnit::sumRun == 2)
            pair = loadAddedPair(epilogue, row, columnOf(i));
          else
            pair.low = loadAdded(epilogue, row, columnOf(i));
        }
#pragma unroll
      for (int m = 0; m < tokenFragments; ++m)
#pragma unroll
        for (int i = 0; i < MatrixUnit::sums; i += MatrixUnit::sumRun) {
          const float *sum = d[m][n] + i, *up = d[m][Shape::gated ? n + toUp : n] + i;
          const FloatPair &pair = added[m][i / MatrixUnit::sumRun];
          if (rowOf(m, i) >= rows)
            continue;
          if (MatrixUnit::sumRun == 2)
            storePair(epilogue, rowOf(m, i), columnOf(i), FloatPair{sum[0], sum[1]}, FloatPair{up[0], up[1]}, pair);
          else
            storeResult(epilogue, rowOf(m, i), columnOf(i), sum[0], up[0], pair.low);
        }
    }
  }
};
