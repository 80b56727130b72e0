// pack_input: rows of x, normed and rounded to the weight's storage, in tiles as a matmul for many tokens reads them. A
// block takes a row. Rows that pad the last tile stay as they are: no result depends on them. The tickets of the matmul
// that follows (shared_sums.h) are cleared.
#pragma once
#include "compiler/Codegen/Gpu/device/matmul/input.h"
#include "compiler/Codegen/Gpu/device/matmul/shared_sums.h"

template <class T, int k, int threads, bool normed>
QUIPU_DEVICE void packInput(const float *x, const float *gain, void *packed, int rows, float eps, void *scratch) {
  enum { count = ChunkOf<T>::count, tileColumns = count * tileChunks, tiles = (k + tileColumns - 1) / tileColumns };
  if (blockX() >= rows)
    return;
  if (blockX() == 0)
    clearTickets<threads>(scratch);
  const float *row = x + i64(blockX()) * k;
  float scale = 1;
  if (normed) {
    QUIPU_SHARED(float, partial, threads / waveWidth);
    float squares = 0;
    for (int column = threadIndex() * 4; column < k; column += threads * 4) {
      float values[4];
      loadFour<k>(values, row, column);
#pragma unroll
      for (int i = 0; i < 4; ++i)
        squares += values[i] * values[i];
    }
    scale = fastRsqrt(blockSum<threads>(squares, partial) / k + eps);
  }
  u8 *out = (u8 *)packed + i64(blockX() / tileRows) * tiles * tileBytes;
  int rowInTile = blockX() % tileRows;
  for (int chunk = threadIndex(); chunk < tiles * tileChunks; chunk += threads) {
    float values[count];
#pragma unroll
    for (int part = 0; part < count; part += 4) {
      float four[4], gains[4];
      loadFour<k>(four, row, chunk * count + part);
      if (normed)
        loadFour<k>(gains, gain, chunk * count + part);
#pragma unroll
      for (int i = 0; i < 4; ++i)
        values[part + i] = normed ? four[i] * scale * gains[i] : four[i];
    }
    storeChunk(out + chunk / tileChunks * tileBytes + chunkPlace(rowInTile, chunk % tileChunks),
               ChunkOf<T>::narrow(values));
  }
}
