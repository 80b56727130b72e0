// How a wave of matmul/few.h multiplies with matrix instructions: weights are A, tokens are columns of B. Where the
// columns suffice, a token takes two: its values rounded to the storage's type, and what the rounding left, times
// lowScale. The sums are then as good as with f32 inputs. What the rounding to f16 left would be below f16's normal
// range, and the matrix instructions of gfx90a take that for zero; scaled it is as large as the value at most.
#pragma once
#include "compiler/Codegen/Gpu/device/matmul/few.h"

QUIPU_DEVICE float lowScale(bf16) { return 1.0f; }
QUIPU_DEVICE float lowScale(f16) { return 2048.0f; }

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

  static QUIPU_DEVICE_MEMBER float partScale(int part) { return part == 0 ? 1.0f : 1.0f / lowScale(Element()); }

  QUIPU_DEVICE_MEMBER MatrixProduct() {
#pragma unroll
    for (int i = 0; i < MatrixUnit::sums; ++i)
      d[i] = 0;
  }

  // Where this lane's first chunk of 16 rows lies, and from there its others: rows 8 apart agree in row % 8.
  static QUIPU_DEVICE_MEMBER int laneOffset() { return chunkPlace(MatrixUnit::aRow(0), MatrixUnit::streamChunk(0, 0)); }
  static QUIPU_DEVICE_MEMBER void load(Chunk (&tile)[loads], const u8 *first) {
#pragma unroll
    for (int i = 0; i < loads; ++i) {
      int chunk = i % MatrixUnit::aChunks;
      tile[i] = streamChunk(
          first + (chunkPlace(MatrixUnit::aRow(chunk), MatrixUnit::streamChunk(i / MatrixUnit::aChunks, chunk)) -
                   laneOffset()));
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
      low.word[i] = narrowPair(Element(), (values[2 * i] - widenLow(Element(), high.word[i])) * lowScale(Element()),
                               (values[2 * i + 1] - widenHigh(Element(), high.word[i])) * lowScale(Element()));
    *(WordPair *)(at + columnBytes) = low;
  }
};
