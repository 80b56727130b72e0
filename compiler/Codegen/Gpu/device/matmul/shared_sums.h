// Blocks that share a tile of results, each with a part of k. A wave leaves its sums in scratch and takes a ticket; the
// one that takes the last adds up what all left, in the order of k whoever comes last, and has the results. Waves of
// the same index hold sums of the same results, so blocks never wait for one another.
//
// scratch: tickets [tile][wave], which pack_input sets to zero, then sums [tile][split][count / 4][thread][4].
#pragma once
#include "compiler/Codegen/Gpu/device/memory.h"

enum { ticketCount = 2048, ticketBytes = ticketCount * 4 };

template <int threads> QUIPU_DEVICE void clearTickets(void *scratch) {
  for (int i = threadIndex(); i < ticketCount / 4; i += threads)
    storeChunk((u8 *)scratch + i * 16, zeroChunk());
}

// The tiles of k that are a split's.
template <int tiles, int splits> struct SplitTiles {
  int first, count;
  QUIPU_DEVICE_MEMBER explicit SplitTiles(int split) {
    first = splits == 1 ? 0 : split * tiles / splits;
    count = tiles % splits == 0 ? tiles / splits : (split + 1) * tiles / splits - first;
  }
};

template <int splits, int waves, int count> struct SharedSums {
  enum { threads = waves * waveWidth, splitSums = threads * count };
  static_assert(count % 4 == 0, "sums go in chunks");

  // sums: `count` of each thread. True for the wave that comes last: they are the results then.
  static QUIPU_DEVICE_MEMBER bool gather(float *sums, void *scratch, int tile, int split) {
    if (splits == 1)
      return true;
    float *all = (float *)((u8 *)scratch + ticketBytes) + i64(tile) * splits * splitSums + threadIndex() * 4;
#pragma unroll
    for (int i = 0; i < count; i += 4)
      storeChunk(all + split * splitSums + i * threads, ChunkOf<float>::narrow(sums + i));
    waveBarrier();
    deviceFence();
    u32 taken = 0;
    if (laneIndex() == 0)
      taken = fetchAdd((u32 *)scratch + tile * waves + waveIndex(), 1);
    if (shuffle(taken, 0) != splits - 1)
      return false;
    waveBarrier();
    deviceFence();
#pragma unroll
    for (int i = 0; i < count; ++i)
      sums[i] = 0;
#pragma unroll 1
    for (int part = 0; part < splits; ++part)
#pragma unroll
      for (int i = 0; i < count; i += 4) {
        float values[4];
        ChunkOf<float>::widen(loadChunk(all + part * splitSums + i * threads), values);
#pragma unroll
        for (int j = 0; j < 4; ++j)
          sums[i + j] += values[j];
      }
    return true;
  }
};
