// The products of flash attention without matrix instructions, in f32: for f32 caches, and for chips that have none.
// A lane has one query and a part of the 16 positions (scores) or dimensions (sums); its keys and values are read by
// all lanes of a part at once.
#pragma once
#include "compiler/Codegen/Gpu/device/attention/cache.h"

struct FmaFragment {
  enum { values = 256 / waveWidth, slots = 1, firstMask = 16, lastMask = waveWidth / 2 };
  static QUIPU_DEVICE_MEMBER int row(int) { return laneIndex() % 16; }
  static QUIPU_DEVICE_MEMBER int slot(int) { return 0; }
  static QUIPU_DEVICE_MEMBER int column() { return laneIndex() / 16 * values; }
  static QUIPU_DEVICE_MEMBER int offset(int i) { return i; }

  float value[values];

  QUIPU_DEVICE_MEMBER float &operator[](int i) { return value[i]; }
  QUIPU_DEVICE_MEMBER void clear() {
#pragma unroll
    for (int i = 0; i < values; ++i)
      value[i] = 0;
  }
};

template <class C> struct FmaEngine {
  typedef FmaFragment Fragment;
  typedef float Shared;
  enum {
    paddedDim = (C::dim + 15) / 16 * 16,
    steps = paddedDim / 16,
    blocks = C::tile / 16,
    waveRows = C::mTiles * 16,
    valuesTransposed = 0,
    keyStride = paddedDim + 4,
    valueStride = keyStride,
    keyElements = C::tile * keyStride,
    valueElements = keyElements,
    queryBytes = C::waves * waveRows * keyStride * 4,
  };

  float *query; // of this wave
  Fragment out[C::mTiles][steps];

  template <class RowOf> QUIPU_DEVICE_MEMBER void begin(u8 *shared, const RowOf &rowOf) {
    query = (float *)shared + waveIndex() * waveRows * keyStride;
    for (int r = 0; r < waveRows; ++r) {
      const float *row = rowOf(r);
      for (int d = laneIndex(); d < paddedDim; d += waveWidth)
        query[r * keyStride + d] = d < C::dim ? row[d] * C::scale() : 0;
    }
    waveBarrier();
#pragma unroll
    for (int m = 0; m < C::mTiles; ++m)
#pragma unroll
      for (int k = 0; k < steps; ++k)
        out[m][k].clear();
  }

  QUIPU_DEVICE_MEMBER void score(Fragment (&scores)[C::mTiles][blocks], const float *keys) {
#pragma unroll
    for (int m = 0; m < C::mTiles; ++m)
#pragma unroll
      for (int n = 0; n < blocks; ++n)
        scores[m][n].clear();
#pragma unroll 1
    for (int d = 0; d < paddedDim; d += 4)
#pragma unroll
      for (int m = 0; m < C::mTiles; ++m) {
        float q[4];
        ChunkOf<float>::widen(loadChunk(query + (m * 16 + Fragment::row(0)) * keyStride + d), q);
#pragma unroll
        for (int n = 0; n < blocks; ++n)
#pragma unroll
          for (int i = 0; i < Fragment::values; ++i) {
            float key[4];
            ChunkOf<float>::widen(loadChunk(keys + (n * 16 + Fragment::column() + i) * keyStride + d), key);
#pragma unroll
            for (int j = 0; j < 4; ++j)
              scores[m][n][i] = fusedMultiplyAdd(q[j], key[j], scores[m][n][i]);
          }
      }
  }

  QUIPU_DEVICE_MEMBER void add(Fragment (&weights)[C::mTiles][blocks], const float *values) {
#pragma unroll
    for (int m = 0; m < C::mTiles; ++m)
#pragma unroll
      for (int n = 0; n < blocks; ++n)
#pragma unroll 1
        for (int part = 0; part < waveWidth / 16; ++part)
#pragma unroll
          for (int p = 0; p < Fragment::values; ++p)
            addPosition(out[m], shuffle(weights[m][n][p], Fragment::row(0) + part * 16),
                        values + (n * 16 + part * Fragment::values + p) * valueStride + Fragment::column());
  }

  static QUIPU_DEVICE_MEMBER void addPosition(Fragment (&sums)[steps], float weight, const float *row) {
#pragma unroll
    for (int k = 0; k < steps; ++k)
#pragma unroll
      for (int i = 0; i < Fragment::values; i += 4) {
        float value[4];
        ChunkOf<float>::widen(loadChunk(row + k * 16 + i), value);
#pragma unroll
        for (int j = 0; j < 4; ++j)
          sums[k][i + j] = fusedMultiplyAdd(weight, value[j], sums[k][i + j]);
      }
  }
};
