// The column of the largest value of each row; the lowest of equals. A NaN is never the largest; a row of nothing else
// gives column 0, and its logit is how the engine learns of it.
#pragma once
#include "compiler/Codegen/Gpu/device/memory.h"

struct Largest {
  float value;
  i32 column;

  QUIPU_DEVICE_MEMBER void take(float other, i32 otherColumn) {
    if (other > value || (other == value && otherColumn < column)) {
      value = other;
      column = otherColumn;
    }
  }
};

// As if before all columns: anything larger replaces it.
QUIPU_DEVICE Largest noneLargest() { return Largest{-3.4028234663852886e38f, 0}; }

// Of all threads of the block; thread 0 gets the result. `partial`: shared memory for threads / waveWidth.
template <int threads> QUIPU_DEVICE Largest blockLargest(Largest mine, Largest *partial) {
#pragma unroll
  for (int mask = waveWidth / 2; mask > 0; mask /= 2)
    mine.take(shuffleXor(mine.value, mask), shuffleXor(mine.column, mask));
  if (threads <= waveWidth)
    return mine;
  if (laneIndex() == 0)
    partial[waveIndex()] = mine;
  blockBarrier();
  if (threadIndex() == 0)
    for (int wave = 1; wave < threads / waveWidth; ++wave)
      mine.take(partial[wave].value, partial[wave].column);
  return mine;
}

template <int n, int threads> QUIPU_DEVICE Largest largestOfColumns(const float *row, int first, int last) {
  Largest mine = noneLargest();
  if (n % 4 == 0) {
    for (int column = first + threadIndex() * 4; column < last; column += threads * 4) {
      float values[4];
      ChunkOf<float>::widen(loadChunk(row + column), values);
#pragma unroll
      for (int i = 0; i < 4; ++i)
        mine.take(values[i], column + i);
    }
  } else {
    for (int column = first + threadIndex(); column < last; column += threads)
      mine.take(row[column], column);
  }
  return mine;
}

// A block for each row.
template <int n, int threads> QUIPU_DEVICE void argmax(const float *logits, i32 *out, int rows) {
  if (blockX() >= rows)
    return;
  QUIPU_SHARED(Largest, partial, threads / waveWidth);
  Largest best = blockLargest<threads>(largestOfColumns<n, threads>(logits + i64(blockX()) * n, 0, n), partial);
  if (threadIndex() == 0)
    out[blockX()] = best.column;
}

// For few rows: blockY of `splits` takes `columns` columns and leaves its largest in splitOut [row][split].
template <int n, int columns, int splits, int threads>
QUIPU_DEVICE void argmaxSplit(const float *logits, Largest *splitOut, int rows) {
  if (blockX() >= rows)
    return;
  QUIPU_SHARED(Largest, partial, threads / waveWidth);
  int first = blockY() * columns;
  Largest best = blockLargest<threads>(
      largestOfColumns<n, threads>(logits + i64(blockX()) * n, first, smaller(first + columns, n)), partial);
  if (threadIndex() == 0)
    splitOut[blockX() * splits + blockY()] = best;
}

// A wave for each row.
template <int splits> QUIPU_DEVICE void argmaxMerge(const Largest *splitOut, i32 *out, int rows) {
  if (blockX() >= rows)
    return;
  Largest mine = noneLargest();
  for (int split = laneIndex(); split < splits; split += waveWidth) {
    Largest other = splitOut[blockX() * splits + split];
    mine.take(other.value, other.column);
  }
  mine = blockLargest<waveWidth>(mine, nullptr);
  if (threadIndex() == 0)
    out[blockX()] = mine.column;
}
