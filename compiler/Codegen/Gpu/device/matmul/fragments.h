// The matrix unit as matmuls use it: fragments are 16-byte chunks of rows that lie along k, of weights and of packed
// input alike.
//
// A sum over k may take k in any order so long as A and B agree. So a lane never shuffles: where an instruction wants
// pieces of two or four elements from places far apart, it gets neighbours of one chunk, the same for A and B.
#pragma once
#include "compiler/Codegen/Gpu/device/mma.h"

// One tile of the forms tile64 of weights and packed inputs: 64 rows of 128 bytes, chunk c of row r at place c ^ (r %
// 8).
enum { tileRows = 64, tileRowBytes = 128, tileBytes = tileRows * tileRowBytes, tileChunks = 8 };
QUIPU_DEVICE int chunkPlace(int row, int chunk) { return row * tileRowBytes + ((chunk ^ row % 8) * 16); }

// MatrixUnit, by chip:
//   rows, columns: of a fragment of A, of B
//   steps: products that use up a tile's 128 bytes of k; aChunks, bChunks: chunks of A and B that a lane holds for one
//   sums: elements of D that a lane holds; sumRun: how many in a row are neighbours in one row of D
//   aRow(i), bRow(i): rows of A, columns of B of a lane's chunk i
//   streamChunk(step, i): which of a row's chunks it is where it comes from global memory: the lanes of a load take
//     whole sectors. tileChunk: where it comes from a tile in shared memory: eight lanes in a row meet no bank twice.
//   skewBytes: what is added to a multiple of 128 bytes between columns of unswizzled B, to the same end
#if QUIPU_MMA_SYNC
struct MatrixUnit {
  enum { rows = 16, columns = 8, steps = 2, aChunks = 2, bChunks = 1, sums = 4, sumRun = 2, skewBytes = 64 };
  static QUIPU_DEVICE_MEMBER int aRow(int i) { return laneIndex() / 4 + 8 * i; }
  static QUIPU_DEVICE_MEMBER int bRow() { return laneIndex() / 4; }
  static QUIPU_DEVICE_MEMBER int streamChunk(int step, int) { return laneIndex() % 4 + 4 * step; }
  static QUIPU_DEVICE_MEMBER int tileChunk(int step, int) { return laneIndex() % 4 * 2 + step; }
  static QUIPU_DEVICE_MEMBER int sumRow(int i) { return laneIndex() / 4 + i / 2 * 8; }
  static QUIPU_DEVICE_MEMBER int sumColumn(int i) { return laneIndex() % 4 * 2 + i % 2; }
  template <class T>
  static QUIPU_DEVICE_MEMBER void multiply(T type, float (&d)[sums], const Chunk *a, const Chunk *b) {
#pragma unroll
    for (int half = 0; half < 4; half += 2) {
      u32 left[4] = {a[0].word[half], a[1].word[half], a[0].word[half + 1], a[1].word[half + 1]};
      u32 right[2] = {b[0].word[half], b[0].word[half + 1]};
      mma16x8x16(type, d, left, right);
    }
  }
};
#else
// A lane holds pieces of one row of A and of one column of B; its group of 16 lanes says which pieces.
struct SquareUnit {
  enum { rows = 16, columns = 16, sumRun = 1, skewBytes = 16 };
  static QUIPU_DEVICE_MEMBER int aRow(int) { return laneIndex() % 16; }
  static QUIPU_DEVICE_MEMBER int bRow() { return laneIndex() % 16; }
  static QUIPU_DEVICE_MEMBER int sumColumn(int) { return laneIndex() % 16; }
};
#if QUIPU_MFMA
struct MatrixUnit : SquareUnit {
  enum { steps = 2, aChunks = 1, bChunks = 1, sums = 4 };
  static QUIPU_DEVICE_MEMBER int streamChunk(int step, int) { return laneIndex() / 16 + 4 * step; }
  static QUIPU_DEVICE_MEMBER int tileChunk(int step, int i) { return streamChunk(step, i); }
  static QUIPU_DEVICE_MEMBER int sumRow(int i) { return laneIndex() / 16 * 4 + i; }
  template <class T>
  static QUIPU_DEVICE_MEMBER void multiply(T type, float (&d)[sums], const Chunk *a, const Chunk *b) {
    mma16x16x32(type, d, a[0].word, b[0].word);
  }
};
#elif QUIPU_WMMA_RDNA3
struct MatrixUnit : SquareUnit {
  enum { steps = 4, aChunks = 2, bChunks = 2, sums = 8 };
  static QUIPU_DEVICE_MEMBER int streamChunk(int step, int i) { return 2 * step + i; }
  static QUIPU_DEVICE_MEMBER int tileChunk(int step, int i) { return streamChunk(step, i); }
  static QUIPU_DEVICE_MEMBER int sumRow(int i) { return 2 * i + laneIndex() / 16; }
  template <class T>
  static QUIPU_DEVICE_MEMBER void multiply(T type, float (&d)[sums], const Chunk *a, const Chunk *b) {
    u32 left[8], right[8];
#pragma unroll
    for (int i = 0; i < 8; ++i)
      left[i] = a[i / 4].word[i % 4], right[i] = b[i / 4].word[i % 4];
    mma16x16x16(type, d, left, right);
  }
};
#elif QUIPU_WMMA_RDNA4
struct MatrixUnit : SquareUnit {
  enum { steps = 4, aChunks = 1, bChunks = 1, sums = 8 };
  static QUIPU_DEVICE_MEMBER int streamChunk(int step, int) { return laneIndex() / 16 + 2 * step; }
  static QUIPU_DEVICE_MEMBER int tileChunk(int step, int i) { return streamChunk(step, i); }
  static QUIPU_DEVICE_MEMBER int sumRow(int i) { return laneIndex() / 16 * 8 + i; }
  template <class T>
  static QUIPU_DEVICE_MEMBER void multiply(T type, float (&d)[sums], const Chunk *a, const Chunk *b) {
    mma16x16x16(type, d, a[0].word, b[0].word);
  }
};
#endif
#endif
