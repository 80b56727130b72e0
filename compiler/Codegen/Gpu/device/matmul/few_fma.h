// How a wave of matmul/few.h multiplies without matrix instructions: for f32 weights, and chips that have none. Eight
// lanes take a row's chunks; a lane keeps its sums over k and the eight meet at the end.
#pragma once
#include "compiler/Codegen/Gpu/device/matmul/few.h"

template <class Shape> struct FmaProduct {
  typedef typename Shape::Element Element;
  enum {
    parts = 1,
    columns = Shape::tokens,
    count = ChunkOf<Element>::count,
    planes = count / 4, // of the staged input, which a lane reads four values at a time: no bank is met twice
    planeBytes = Shape::sliceTiles * Shape::tileColumns / planes * 4,
    inputBytes = columns * planes * planeBytes,
    rowsAtOnce = waveWidth / tileChunks,
    loads = 16 / rowsAtOnce,
    places = 8 / rowsAtOnce, // chunks a lane meets: one in waves of 64, else two
  };
  float d[loads][columns];

  static QUIPU_DEVICE_MEMBER float partScale(int) { return 1.0f; }

  QUIPU_DEVICE_MEMBER FmaProduct() {
#pragma unroll
    for (int i = 0; i < loads; ++i)
#pragma unroll
      for (int token = 0; token < columns; ++token)
        d[i][token] = 0;
  }

  static QUIPU_DEVICE_MEMBER int laneOffset() { return laneIndex() * 16; }
  static QUIPU_DEVICE_MEMBER void load(Chunk (&tile)[loads], const u8 *first) {
#pragma unroll
    for (int i = 0; i < loads; ++i)
      tile[i] = streamChunk(first + i * waveWidth * 16);
  }

  QUIPU_DEVICE_MEMBER void add(const Chunk (&tile)[loads], const u8 *input, int tileInSlice) {
#pragma unroll
    for (int place = 0; place < places; ++place) {
      int chunk = laneIndex() % 8 ^ (place * rowsAtOnce + laneIndex() / 8) % 8;
      const u8 *values = input + (tileInSlice * tileChunks + chunk) * 16;
#pragma unroll
      for (int plane = 0; plane < planes; ++plane)
#pragma unroll
        for (int token = 0; token < columns; ++token) {
          float in[4];
          ChunkOf<float>::widen(loadChunk(values + (token * planes + plane) * planeBytes), in);
#pragma unroll
          for (int i = place; i < loads; i += places) {
            float w[count];
            ChunkOf<Element>::widen(tile[i], w);
#pragma unroll
            for (int j = 0; j < 4; ++j)
              d[i][token] = fusedMultiplyAdd(w[plane * 4 + j], in[j], d[i][token]);
            settle(d[i][token]);
          }
        }
    }
  }

  QUIPU_DEVICE_MEMBER void put(float *sums) const {
#pragma unroll
    for (int i = 0; i < loads; ++i)
#pragma unroll
      for (int token = 0; token < columns; ++token) {
        float sum = waveSum<8>(d[i][token]);
        if (laneIndex() % 8 == 0)
          sums[(i * rowsAtOnce + laneIndex() / 8) * columns + token] = sum;
      }
  }

  static QUIPU_DEVICE_MEMBER void stage(u8 *input, int token, int column, const float (&values)[4]) {
    int plane = column % count / 4;
    storeChunk(input + (token * planes + plane) * planeBytes + column / count * 16, ChunkOf<float>::narrow(values));
  }
};
