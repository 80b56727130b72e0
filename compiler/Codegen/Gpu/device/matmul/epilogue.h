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

// Two neighbours, the first in an even column. inside: no column is past the last one. Loads of several come before
// the first store: a compiler does not know that no store changes what is to be added.
template <bool inside = false, class Epilogue>
QUIPU_DEVICE FloatPair loadAddedPair(const Epilogue &epilogue, int row, int column) {
  if (!Epilogue::residual || Epilogue::columns % 2 != 0 || (!inside && column >= Epilogue::columns))
    return FloatPair{loadAdded(epilogue, row, column), loadAdded(epilogue, row, column + 1)};
  return *(const FloatPair *)(epilogue.added + (i64(row) * Epilogue::columns + column));
}
template <bool inside = false, class Epilogue>
QUIPU_DEVICE void storePair(const Epilogue &epilogue, int row, int column, FloatPair sum, FloatPair up,
                            FloatPair added) {
  if (Epilogue::columns % 2 != 0) {
    storeResult(epilogue, row, column, sum.low, up.low, added.low);
    storeResult(epilogue, row, column + 1, sum.high, up.high, added.high);
    return;
  }
  if (!inside && column >= Epilogue::columns)
    return;
  *(FloatPair *)(epilogue.out + (i64(row) * Epilogue::columns + column)) =
      FloatPair{epilogue.finish(sum.low, up.low, column) + added.low,
                epilogue.finish(sum.high, up.high, column + 1) + added.high};
}
