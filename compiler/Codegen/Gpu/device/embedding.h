// out[t] = table[ids[t]], widened to f32. An id outside the table gives a row of zeros: ids come from users. A thread
// takes 16 bytes of the row.
#pragma once
#include "compiler/Codegen/Gpu/device/memory.h"

// Where elements [column, column + 16 bytes) of a row of the table lie. In tile64 (WeightLayout.h) that chunk is never
// cut: rows are padded.
template <class T, int dim, bool tiled> QUIPU_DEVICE const T *tableAddress(const T *table, int id, int column) {
  if (!tiled)
    return table + i64(id) * dim + column;
  constexpr int tileColumns = 128 / sizeof(T), tiles = (dim + tileColumns - 1) / tileColumns;
  int row = id % 64, chunk = column % tileColumns / ChunkOf<T>::count;
  i64 tile = i64(id / 64) * tiles + column / tileColumns;
  return (const T *)((const u8 *)table + tile * 8192 + row * 128 + (chunk ^ row % 8) * 16);
}

template <class T, int rows, int dim, bool tiled, int threads>
QUIPU_DEVICE void embedding(const i32 *ids, const T *table, float *out, int tokens) {
  constexpr int count = ChunkOf<T>::count;
  constexpr bool whole = dim % count == 0;
  int column = (blockY() * threads + threadIndex()) * count;
  if (blockX() >= tokens || column >= dim)
    return;
  int id = ids[blockX()];
  bool known = id >= 0 && id < rows;
  float values[count];
#pragma unroll
  for (int i = 0; i < count; ++i)
    values[i] = 0;
  if (known && (tiled || whole))
    ChunkOf<T>::widen(loadChunk(tableAddress<T, dim, tiled>(table, id, column)), values);
  if (known && !tiled && !whole)
#pragma unroll
    for (int i = 0; i < count; ++i)
      if (column + i < dim)
        values[i] = widen(table[i64(id) * dim + column + i]);
  float *to = out + i64(blockX()) * dim + column;
  if (whole) {
#pragma unroll
    for (int i = 0; i < count; i += 4)
      storeChunk(to + i, ChunkOf<float>::narrow(values + i));
  } else {
#pragma unroll
    for (int i = 0; i < count; ++i)
      if (column + i < dim)
        to[i] = values[i];
  }
}
