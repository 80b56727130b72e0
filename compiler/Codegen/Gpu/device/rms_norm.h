// out = x / sqrt(mean(x^2) + eps) * gain, a row for each block.
#pragma once
#include "compiler/Codegen/Gpu/device/memory.h"
#include "compiler/Codegen/Gpu/device/reduce.h"

template <int n, int threads>
QUIPU_DEVICE void rmsNorm(const float *x, const float *gain, float *out, int rows, float eps) {
  if (blockX() >= rows)
    return;
  QUIPU_SHARED(float, partial, threads / waveWidth);
  const float *row = x + i64(blockX()) * n;
  float *outRow = out + i64(blockX()) * n;
  float squares = 0;
  if (n % 4 == 0) {
    for (int i = threadIndex() * 4; i < n; i += threads * 4) {
      float values[4];
      ChunkOf<float>::widen(loadChunk(row + i), values);
      for (int j = 0; j < 4; ++j)
        squares += values[j] * values[j];
    }
  } else {
    for (int i = threadIndex(); i < n; i += threads)
      squares += row[i] * row[i];
  }
  float scale = fastRsqrt(blockSum<threads>(squares, partial) / n + eps);
  if (n % 4 == 0) {
    for (int i = threadIndex() * 4; i < n; i += threads * 4) {
      float values[4], gains[4];
      ChunkOf<float>::widen(loadChunk(row + i), values);
      ChunkOf<float>::widen(loadChunk(gain + i), gains);
      for (int j = 0; j < 4; ++j)
        values[j] = values[j] * scale * gains[j];
      storeChunk(outRow + i, ChunkOf<float>::narrow(values));
    }
  } else {
    for (int i = threadIndex(); i < n; i += threads)
      outRow[i] = row[i] * scale * gain[i];
  }
}
