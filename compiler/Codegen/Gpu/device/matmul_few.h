// matmul for few tokens, bound by reading the weight once: y = epilogue(scale * (x gain) W^T).
//
// A block owns `fragments` groups of 16 rows of a panel of W and all of k. Its waves share out the groups, and the
// tiles of k among those of one group. A wave streams its 16 rows (2 KiB of each 8 KiB tile) from memory into
// registers, `depth` tiles ahead of the one it multiplies, and starts before the input is staged: the norm hides behind
// the first reads. Sums of the waves meet in shared memory at the end.
//
// The printed Shape: Element (storage of W), n, k, gated, tokens (the most there are), fragments, waves, depth,
// sliceTiles (tiles of k whose input is staged at a time), normed, and Product, which says how a wave multiplies.
#pragma once
#include "compiler/Codegen/Gpu/device/matmul_epilogue.h"
#include "compiler/Codegen/Gpu/device/matmul_input.h"

template <class Shape> struct FewTokens {
  typedef typename Shape::Product Product;
  enum {
    tiles = (Shape::k + Shape::tileColumns - 1) / Shape::tileColumns,
    splits = Shape::waves / Shape::fragments, // waves that share a group of rows
    parts = 4 / Shape::fragments,             // blocks that share a panel
    blockColumns = Shape::fragments * 16 / (Shape::gated ? 2 : 1),
    panelColumns = Shape::gated ? 32 : 64,
    threads = Shape::waves * waveWidth,
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
                                      int rows, float eps) {
    QUIPU_DYNAMIC_SHARED(shared);
    u8 *input = shared;
    float *sums = (float *)(shared + inputBytes), *squares = sums + sumsBytes / 4;
    int panel = blockX() / parts, part = blockX() % parts;
    int firstColumn = panel * panelColumns + part * blockColumns;
    if (rows == 0 || firstColumn >= Shape::n)
      return;

    int fragment = waveIndex() % Shape::fragments, split = waveIndex() / Shape::fragments;
    const u8 *stream =
        (const u8 *)weight + (i64(panel) * tiles + split) * tileBytes + group(part, fragment) * 16 * tileRowBytes;
    Chunk ring[Shape::depth][Product::loads];
#pragma unroll
    for (int ahead = 0; ahead < Shape::depth; ++ahead)
      if (split + ahead * splits < tiles)
        Product::load(ring[ahead], stream + ahead * splits * tileBytes);

    StagedInput<Shape> staged(x, gain, rows, eps, squares);
    Product product;
    for (int slice = 0; slice * Shape::sliceTiles < tiles; ++slice) {
      if (slice > 0)
        blockBarrier();
      staged.stage(input, slice);
      blockBarrier();
#pragma unroll 1
      for (int turn = 0; turn < sliceTurns; turn += Shape::depth) {
        int tile = (slice * sliceTurns + turn) * splits + split;
#pragma unroll
        for (int ahead = 0; ahead < Shape::depth; ++ahead, tile += splits) {
          if (tile < tiles)
            product.add(ring[ahead], input, tile - slice * Shape::sliceTiles);
          if (tile + Shape::depth * splits < tiles)
            Product::load(ring[ahead], stream + i64(tile - split + Shape::depth * splits) * tileBytes);
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
      storeResult(epilogue, token, firstColumn + column, sum, up);
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
                    token * Product::parts + part];
    return sum;
  }
};

// With matrix instructions: weights are A, tokens are columns of B. Where the columns suffice, a token takes two: its
// values rounded to the storage's type, and what the rounding left. The sums are then as good as with f32 inputs.
template <class Shape> struct MatrixProduct {
  typedef typename Shape::Element Element;
  enum {
    parts = Shape::tokens * 2 <= MatrixUnit::columns ? 2 : 1,
    columns = Shape::tokens * parts,
    columnBytes = Shape::sliceTiles * tileRowBytes + MatrixUnit::skewBytes,
    inputBytes = columns * columnBytes,
    loads = MatrixUnit::steps * MatrixUnit::aChunks,
  };
  float d[MatrixUnit::sums];

  QUIPU_DEVICE_MEMBER MatrixProduct() {
#pragma unroll
    for (int i = 0; i < MatrixUnit::sums; ++i)
      d[i] = 0;
  }

  static QUIPU_DEVICE_MEMBER void load(Chunk (&tile)[loads], const u8 *rows) {
#pragma unroll
    for (int i = 0; i < loads; ++i) {
      int row = MatrixUnit::aRow(i % MatrixUnit::aChunks);
      tile[i] = streamChunk(rows +
                            chunkPlace(row, MatrixUnit::streamChunk(i / MatrixUnit::aChunks, i % MatrixUnit::aChunks)));
    }
  }

  // Columns past the last token's read the last one: nobody reads their sums.
  QUIPU_DEVICE_MEMBER void add(const Chunk (&tile)[loads], const u8 *input, int tileInSlice) {
    const u8 *column = input + smaller(MatrixUnit::bRow(), columns - 1) * columnBytes + tileInSlice * tileRowBytes;
#pragma unroll
    for (int step = 0; step < MatrixUnit::steps; ++step) {
      Chunk b[MatrixUnit::bChunks];
#pragma unroll
      for (int i = 0; i < MatrixUnit::bChunks; ++i)
        b[i] = loadChunk(column + MatrixUnit::streamChunk(step, i) * 16);
      MatrixUnit::multiply(Element(), d, tile + step * MatrixUnit::aChunks, b);
    }
  }

  // sums: [16][columns]
  QUIPU_DEVICE_MEMBER void put(float *sums) const {
#pragma unroll
    for (int i = 0; i < MatrixUnit::sums; ++i)
      if (MatrixUnit::sumColumn(i) < columns)
        sums[MatrixUnit::sumRow(i) * columns + MatrixUnit::sumColumn(i)] = d[i];
  }

  // Four neighbours of a token's row, the first at a multiple of four.
  static QUIPU_DEVICE_MEMBER void stage(u8 *input, int token, int column, const float (&values)[4]) {
    u8 *at = input + token * parts * columnBytes + column * 2;
    WordPair high = {{narrowPair(Element(), values[0], values[1]), narrowPair(Element(), values[2], values[3])}};
    *(WordPair *)at = high;
    if (parts == 1)
      return;
    WordPair low;
#pragma unroll
    for (int i = 0; i < 2; ++i)
      low.word[i] = narrowPair(Element(), values[2 * i] - widenLow(Element(), high.word[i]),
                               values[2 * i + 1] - widenHigh(Element(), high.word[i]));
    *(WordPair *)(at + columnBytes) = low;
  }
};

// With f32 multiplications: chips without matrix instructions, and f32 weights. Eight lanes take a row's chunks; a lane
// keeps its sums over k and the eight meet at the end.
template <class Shape> struct FmaProduct {
  typedef typename Shape::Element Element;
  enum {
    parts = 1,
    columns = Shape::tokens,
    count = ChunkOf<Element>::count,
    planes = count / 4, // of the staged input, which a lane reads four values at a time: no bank is met twice
    planeBytes = Shape::sliceTiles * Shape::tileColumns / planes * 4,
    inputBytes = columns * planes * planeBytes,
    rowsAtOnce = waveWidth / tileChunks,
    loads = 16 / rowsAtOnce,
    places = 8 / rowsAtOnce, // chunks a lane meets: one in waves of 64, else two
  };
  float d[loads][columns];

  QUIPU_DEVICE_MEMBER FmaProduct() {
#pragma unroll
    for (int i = 0; i < loads; ++i)
#pragma unroll
      for (int token = 0; token < columns; ++token)
        d[i][token] = 0;
  }

  static QUIPU_DEVICE_MEMBER void load(Chunk (&tile)[loads], const u8 *rows) {
#pragma unroll
    for (int i = 0; i < loads; ++i)
      tile[i] = streamChunk(rows + (i * waveWidth + laneIndex()) * 16);
  }

  QUIPU_DEVICE_MEMBER void add(const Chunk (&tile)[loads], const u8 *input, int tileInSlice) {
#pragma unroll
    for (int place = 0; place < places; ++place) {
      int chunk = laneIndex() % 8 ^ (place * rowsAtOnce + laneIndex() / 8) % 8;
      const u8 *values = input + (tileInSlice * tileChunks + chunk) * 16;
#pragma unroll
      for (int plane = 0; plane < planes; ++plane)
#pragma unroll
        for (int token = 0; token < columns; ++token) {
          float in[4];
          ChunkOf<float>::widen(loadChunk(values + (token * planes + plane) * planeBytes), in);
#pragma unroll
          for (int i = place; i < loads; i += places) {
            float w[count];
            ChunkOf<Element>::widen(tile[i], w);
#pragma unroll
            for (int j = 0; j < 4; ++j)
              d[i][token] = fusedMultiplyAdd(w[plane * 4 + j], in[j], d[i][token]);
          }
        }
    }
  }

  QUIPU_DEVICE_MEMBER void put(float *sums) const {
#pragma unroll
    for (int i = 0; i < loads; ++i)
#pragma unroll
      for (int token = 0; token < columns; ++token) {
        float sum = waveSum<8>(d[i][token]);
        if (laneIndex() % 8 == 0)
          sums[(i * rowsAtOnce + laneIndex() / 8) * columns + token] = sum;
      }
  }

  static QUIPU_DEVICE_MEMBER void stage(u8 *input, int token, int column, const float (&values)[4]) {
    int plane = column % count / 4;
    storeChunk(input + (token * planes + plane) * planeBytes + column / count * 16, ChunkOf<float>::narrow(values));
  }
};
