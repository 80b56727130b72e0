// Kernels that read a row and write a row. A block takes part of one row: blockX is the row, blockY the part.
#pragma once
#include "compiler/Codegen/Gpu/device/memory.h"

// Elements [first, first + 4) of a row of n, of which some may lie beyond its end: those read as 0 and are not written.
// `whole`: every row begins at a multiple of 16 bytes and n is a multiple of 4.
template <bool whole> QUIPU_DEVICE void loadFour(const float *row, int first, int n, float *values) {
  if (whole) {
    ChunkOf<float>::widen(loadChunk(row + first), values);
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
    values[i] = first + i < n ? row[first + i] : 0;
}

template <bool whole> QUIPU_DEVICE void storeFour(float *row, int first, int n, const float *values) {
  if (whole) {
    storeChunk(row + first, ChunkOf<float>::narrow(values));
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (first + i < n)
      row[first + i] = values[i];
}

// The first of this thread's elements of its row, `each` for each thread.
template <int threads, int each> QUIPU_DEVICE int firstColumn() { return (blockY() * threads + threadIndex()) * each; }

template <int n, int threads, class Op>
QUIPU_DEVICE void pointwise(const float *a, const float *b, float *out, int rows) {
  int column = firstColumn<threads, 4>();
  if (blockX() >= rows || column >= n)
    return;
  i64 row = i64(blockX()) * n;
  float x[4], y[4] = {0, 0, 0, 0};
  loadFour<n % 4 == 0>(a + row, column, n, x);
  if (Op::binary)
    loadFour<n % 4 == 0>(b + row, column, n, y);
#pragma unroll
  for (int i = 0; i < 4; ++i)
    x[i] = Op::apply(x[i], y[i]);
  storeFour<n % 4 == 0>(out + row, column, n, x);
}

struct Add {
  enum { binary = true };
  static QUIPU_DEVICE_MEMBER float apply(float x, float y) { return x + y; }
};
struct Multiply {
  enum { binary = true };
  static QUIPU_DEVICE_MEMBER float apply(float x, float y) { return x * y; }
};
template <Activation activation> struct Activate {
  enum { binary = false };
  static QUIPU_DEVICE_MEMBER float apply(float x, float) { return activate<activation>(x); }
};

// out[row] = columns [offset, offset + n) of x[row], of rows of nIn.
template <int nIn, int offset, int n, int threads>
QUIPU_DEVICE void sliceColumns(const float *x, float *out, int from, int to) {
  constexpr bool whole = nIn % 4 == 0 && offset % 4 == 0 && n % 4 == 0;
  int column = firstColumn<threads, 4>();
  if (column >= n)
    return;
  float values[4];
  loadFour<whole>(x + i64(from) * nIn + offset, column, n, values);
  storeFour<whole>(out + i64(to) * n, column, n, values);
}
