// Stores of a matmul's results. What follows the product is printed by the generator:
//   struct Epilogue {
//     enum { columns = N, residual = 0 or 1 };
//     const float *bias, *added; float *out;
//     float finish(float sum, float up, int column) const;   // bias, activation, gate
//   };
#pragma once
#include "compiler/Codegen/Gpu/device/memory.h"

struct alignas(8) FloatPair {
  float low, high;
};

// What is to be added to a result; 0 where there is no residual.
template <class Epilogue> QUIPU_DEVICE float loadAdded(const Epilogue &epilogue, int row, int column) {
  if (!Epilogue::residual || column >= Epilogue::columns)
    return 0;
  return epilogue.added[i64(row) * Epilogue::columns + column];
}

// One result; `up` is read by gated epilogues alone.
template <class Epilogue>
QUIPU_DEVICE void storeResult(const Epilogue &epilogue, int row, int column, float sum, float up, float added) {
  if (column < Epilogue::columns)
    epilogue.out[i64(row) * Epilogue::columns + column] = epilogue.finish(sum, up, column) + added;
}
template <class Epilogue>
QUIPU_DEVICE void storeResult(const Epilogue &epilogue, int row, int column, float sum, float up) {
  storeResult(epilogue, row, column, sum, up, loadAdded(epilogue, row, column));
}

// Two neighbours, the first in an even column.
template <class Epilogue>
QUIPU_DEVICE void storePair(const Epilogue &epilogue, int row, int column, FloatPair sum, FloatPair up) {
  if (Epilogue::columns % 2 != 0) {
    storeResult(epilogue, row, column, sum.low, up.low);
    storeResult(epilogue, row, column + 1, sum.high, up.high);
    return;
  }
  if (column >= Epilogue::columns)
    return;
  i64 at = i64(row) * Epilogue::columns + column;
  FloatPair y = {epilogue.finish(sum.low, up.low, column), epilogue.finish(sum.high, up.high, column + 1)};
  if (Epilogue::residual) {
    FloatPair added = *(const FloatPair *)(epilogue.added + at);
    y.low += added.low;
    y.high += added.high;
  }
  *(FloatPair *)(epilogue.out + at) = y;
}
