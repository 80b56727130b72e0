// matmul for few tokens, bound by reading the weight once: y = epilogue(scale * (x gain) W^T).
//
// A block owns `fragments` groups of 16 rows of a panel of W and all of k. Its waves share out the groups, and the
// tiles of k among those of one group. A wave streams its 16 rows (2 KiB of each 8 KiB tile) from memory into
// registers, `depth` tiles ahead of the one it multiplies, and starts before the input is staged, even before the
// kernel that writes it has ended: the norm hides behind the first reads. Sums of the waves meet in shared memory at
// the end.
//
// The printed Shape: Element (storage of W), n, k, gated, tokens (the most there are), fragments, waves, depth,
// sliceTiles (tiles of k whose input is staged at a time), normed, and Product, which says how a wave multiplies.
#pragma once
#include "compiler/Codegen/Gpu/device/matmul/epilogue.h"
#include "compiler/Codegen/Gpu/device/matmul/input.h"

template <class Shape> struct FewTokens {
  typedef typename Shape::Product Product;
  enum {
    tiles = (Shape::k + Shape::tileColumns - 1) / Shape::tileColumns,
    splits = Shape::waves / Shape::fragments, // waves that share a group of rows
    parts = 4 / Shape::fragments,             // blocks that share a panel
    blockColumns = Shape::fragments * 16 / (Shape::gated ? 2 : 1),
    panelColumns = Shape::gated ? 32 : 64,
    threads = Shape::waves * waveWidth,
    even = tiles % (splits * Shape::depth) == 0,
    sliceTurns = Shape::sliceTiles / splits, // tiles of a slice for each wave
    inputBytes = Product::inputBytes,
    sumsBytes = Shape::waves * 16 * Product::columns * 4,
  };
  static_assert(Shape::sliceTiles >= tiles || sliceTurns % Shape::depth == 0, "slices end where the ring does");

  // The group of a panel's 16 rows that is a block's fragment `index`: the gated form keeps gate rows in groups 0 and
  // 1, their up rows in groups 2 and 3.
  static QUIPU_DEVICE_MEMBER int group(int part, int index) {
    return Shape::gated && Shape::fragments == 2 ? part + 2 * index : part * Shape::fragments + index;
  }

  template <class Epilogue>
  static QUIPU_DEVICE_MEMBER void run(const float *x, const float *gain, const void *weight, const Epilogue &epilogue,
                                      const i32 *dims, float eps, u32 *mark) {
    QUIPU_DYNAMIC_SHARED(shared);
    u8 *input = shared;
    float *sums = (float *)(shared + inputBytes), *squares = sums + sumsBytes / 4;
    int panel = blockX() / parts, part = blockX() % parts;
    int firstColumn = panel * panelColumns + part * blockColumns;
    if (firstColumn >= Shape::n)
      return;

    // Nothing before these loads waits for memory, the number of rows neither.
    int fragment = waveIndex() % Shape::fragments, split = waveIndex() / Shape::fragments;
    const u8 *next = (const u8 *)weight + (i64(panel) * tiles + split) * tileBytes +
                     group(part, fragment) * 16 * tileRowBytes + Product::laneOffset();
    Chunk ring[Shape::depth][Product::loads];
#pragma unroll
    for (int ahead = 0; ahead < Shape::depth; ++ahead, next += splits * tileBytes)
      if ((ahead + 1) * splits <= tiles || split + ahead * splits < tiles)
        Product::load(ring[ahead], next);
    awaitEarlierKernels(mark);
    int rows = dims[Shape::rowsDim];
    if (rows == 0)
      return;
    // So is the first result's residual.
    float added = 0;
    if (Epilogue::residual && threadIndex() < blockColumns * rows)
      added = loadAdded(epilogue, threadIndex() / blockColumns, firstColumn + threadIndex() % blockColumns);

    StagedInput<Shape> staged(x, gain, rows, eps, squares);
    Product product;
#pragma unroll 1
    for (int slice = 0; slice * Shape::sliceTiles < tiles; ++slice) {
      if (slice > 0)
        blockBarrier();
      staged.stage(input, slice);
      blockBarrier();
#pragma unroll 1
      for (int turn = 0; turn < sliceTurns; turn += Shape::depth) {
        int tile = (slice * sliceTurns + turn) * splits + split;
#pragma unroll
        for (int ahead = 0; ahead < Shape::depth; ++ahead, tile += splits, next += splits * tileBytes) {
          if (even || tile < tiles)
            product.add(ring[ahead], input, tile - slice * Shape::sliceTiles);
          if (tile + Shape::depth * splits < tiles)
            Product::load(ring[ahead], next);
        }
      }
    }

    product.put(sums + waveIndex() * 16 * Product::columns);
    blockBarrier();
    for (int i = threadIndex(); i < blockColumns * rows; i += threads) {
      int token = i / blockColumns, column = i % blockColumns;
      float scale = staged.scale(token);
      float sum = total(sums, column, token) * scale;
      float up = Shape::gated ? total(sums, column + blockColumns, token) * scale : 0;
      if (i >= threads)
        added = loadAdded(epilogue, token, firstColumn + column);
      storeResult(epilogue, token, firstColumn + column, sum, up, added);
    }
  }

  // Over the waves that shared the rows, in a fixed order; the input's parts (StagedInput) are columns side by side.
  static QUIPU_DEVICE_MEMBER float total(const float *sums, int row, int token) {
    float sum = 0;
#pragma unroll
    for (int split = 0; split < splits; ++split)
#pragma unroll
      for (int part = 0; part < Product::parts; ++part)
        sum += sums[((split * Shape::fragments + row / 16) * 16 + row % 16) * Product::columns +
                    token * Product::parts + part] *
               Product::partScale(part);
    return sum;
  }
};
