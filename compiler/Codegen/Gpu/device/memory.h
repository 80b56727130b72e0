// Loads and stores of 16 bytes, and copies from global to shared memory that pass by the registers.
#pragma once
#include "compiler/Codegen/Gpu/device/arithmetic.h"

// 16 bytes in registers, four words in memory order.
struct alignas(16) Chunk {
  u32 word[4];
};

#if defined(__CUDACC_RTC__)
typedef uint4 ChunkVector;
#else
typedef u32 ChunkVector __attribute__((ext_vector_type(4)));
#endif

QUIPU_DEVICE Chunk chunkOf(ChunkVector v) { return Chunk{{v.x, v.y, v.z, v.w}}; }
QUIPU_DEVICE ChunkVector vectorOf(Chunk c) {
#if defined(__CUDACC_RTC__)
  return make_uint4(c.word[0], c.word[1], c.word[2], c.word[3]);
#else
  return ChunkVector{c.word[0], c.word[1], c.word[2], c.word[3]};
#endif
}

// The address is a multiple of 16; global or shared memory.
QUIPU_DEVICE Chunk loadChunk(const void *address) { return chunkOf(*(const ChunkVector *)address); }
QUIPU_DEVICE void storeChunk(void *address, Chunk chunk) { *(ChunkVector *)address = vectorOf(chunk); }

// Global memory that is read once and never written by this launch: weights. It does not push out of the caches what
// is used again. Where kernels start early the load stays in front of the wait for earlier ones: it is volatile, and
// not declared read-only (nc), which assemblers move across the wait.
QUIPU_DEVICE Chunk streamChunk(const void *address) {
#if QUIPU_SIMT
  return loadChunk(address);
#elif QUIPU_EARLY_START
  Chunk c;
  asm volatile("ld.global.L1::no_allocate.L2::128B.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(c.word[0]), "=r"(c.word[1]), "=r"(c.word[2]), "=r"(c.word[3])
               : "l"(address));
  return c;
#elif QUIPU_NVIDIA
  Chunk c;
  asm("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0, %1, %2, %3}, [%4];"
      : "=r"(c.word[0]), "=r"(c.word[1]), "=r"(c.word[2]), "=r"(c.word[3])
      : "l"(address));
  return c;
#else
  return chunkOf(__builtin_nontemporal_load((const ChunkVector *)address));
#endif
}

QUIPU_DEVICE Chunk zeroChunk() { return Chunk{{0, 0, 0, 0}}; }

// The f32 values of a chunk, and back: 4 of float, 8 of bf16 and f16.
template <class T> struct ChunkOf {
  enum { count = 8 };
  static QUIPU_DEVICE_MEMBER void widen(Chunk chunk, float *values) {
    for (int i = 0; i < 4; ++i) {
      values[2 * i] = widenLow(T(), chunk.word[i]);
      values[2 * i + 1] = widenHigh(T(), chunk.word[i]);
    }
  }
  static QUIPU_DEVICE_MEMBER Chunk narrow(const float *values) {
    Chunk chunk;
    for (int i = 0; i < 4; ++i)
      chunk.word[i] = narrowPair(T(), values[2 * i], values[2 * i + 1]);
    return chunk;
  }
};
template <> struct ChunkOf<float> {
  enum { count = 4 };
  static QUIPU_DEVICE_MEMBER void widen(Chunk chunk, float *values) {
    for (int i = 0; i < 4; ++i)
      values[i] = bitsFloat(chunk.word[i]);
  }
  static QUIPU_DEVICE_MEMBER Chunk narrow(const float *values) {
    Chunk chunk;
    for (int i = 0; i < 4; ++i)
      chunk.word[i] = floatBits(values[i]);
    return chunk;
  }
};
