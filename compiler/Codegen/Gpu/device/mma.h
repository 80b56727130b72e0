// Matrix instructions: d += a b of small tiles of bf16 or f16 with f32 sums, by all lanes of a wave together. Each helper
// states which elements a lane holds; the host's form of it computes from just those places, so that a kernel which
// takes a fragment for another gets wrong numbers there too.
//
// A is M x K, B is K x N, D is M x N. A word holds two neighbours in k, the lower one in the low half. `l` is the lane.
#pragma once
#include "compiler/Codegen/Gpu/device/async.h"

#if QUIPU_SIMT
// The words of all lanes of the wave, those of lane l from l * count on; valid until the wave's next collective.
template <int count> QUIPU_DEVICE const u32 *gatherWords(const u32 (&words)[count]) {
  return simtGather(words, count);
}

// d += the product over one pair of k.
template <class T> QUIPU_DEVICE void addPair(float &d, u32 a, u32 b) {
  d += widenLow(T(), a) * widenLow(T(), b);
  d += widenHigh(T(), a) * widenHigh(T(), b);
}
#endif

#if QUIPU_MMA_SYNC
// 16 x 8, k = 16 (mma.m16n8k16).
//   a[i]: row l / 4 + 8 * (i % 2), k = l % 4 * 2 + 8 * (i / 2) and its neighbour
//   b[i]: column l / 4, k = l % 4 * 2 + 8 * i and its neighbour
//   d[i]: row l / 4 + 8 * (i / 2), column l % 4 * 2 + i % 2
#if QUIPU_SIMT
template <class T> QUIPU_DEVICE void mma16x8x16(T, float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
  u32 own[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const u32 *all = gatherWords(own);
  int row = laneIndex() / 4, column = laneIndex() % 4 * 2;
  for (int i = 0; i < 4; ++i)
    for (int pair = 0; pair < 8; ++pair)
      addPair<T>(d[i], all[(row * 4 + pair % 4) * 6 + pair / 4 * 2 + i / 2],
                 all[((column + i % 2) * 4 + pair % 4) * 6 + 4 + pair / 4]);
}
#else
QUIPU_DEVICE void mma16x8x16(bf16, float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
QUIPU_DEVICE void mma16x8x16(f16, float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

// Four 8 x 8 tiles of 16-bit elements from shared memory (ldmatrix): lane l gives the address of row l % 8 of tile l / 8
// (16 bytes, aligned to 16); word i of lane l is row l / 4 of tile i, columns l % 4 * 2 and its neighbour. Transposed:
// column l / 4 of tile i, rows l % 4 * 2 and its neighbour.
template <bool transposed = false> QUIPU_DEVICE void loadTiles(u32 (&words)[4], const void *rowOfLane) {
#if QUIPU_SIMT
  u64 address = (u64)rowOfLane;
  u32 halves[2] = {u32(address), u32(address >> 32)};
  const u32 *all = gatherWords(halves);
  int first = laneIndex() / 4, second = laneIndex() % 4 * 2;
  for (int tile = 0; tile < 4; ++tile) {
    auto element = [&](int row, int column) {
      const u32 *half = all + (tile * 8 + row) * 2;
      return u32(((const u16 *)(half[0] | u64(half[1]) << 32))[column]);
    };
    words[tile] = transposed ? element(second, first) | element(second + 1, first) << 16
                             : element(first, second) | element(first, second + 1) << 16;
  }
#else
  u32 address = sharedAddress(rowOfLane);
  if (transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
#endif
}
#endif // QUIPU_MMA_SYNC

#if QUIPU_MFMA
// 16 x 16, k = 16 (v_mfma_f32_16x16x16); waves of 64.
//   a[i]: row l % 16, k = l / 16 * 4 + 2 * i and its neighbour
//   b[i]: column l % 16, the same k
//   d[i]: row l / 16 * 4 + i, column l % 16
#if QUIPU_SIMT
template <class T> QUIPU_DEVICE void mma16x16x16(T, float (&d)[4], const u32 (&a)[2], const u32 (&b)[2]) {
  u32 own[4] = {a[0], a[1], b[0], b[1]};
  const u32 *all = gatherWords(own);
  int column = laneIndex() % 16;
  for (int i = 0; i < 4; ++i)
    for (int pair = 0; pair < 8; ++pair)
      addPair<T>(d[i], all[(laneIndex() / 16 * 4 + i + pair / 2 * 16) * 4 + pair % 2],
                 all[(column + pair / 2 * 16) * 4 + 2 + pair % 2]);
}
#else
typedef float MfmaSums __attribute__((ext_vector_type(4)));
QUIPU_DEVICE void mma16x16x16(bf16, float (&d)[4], const u32 (&a)[2], const u32 (&b)[2]) {
  typedef short Half4 __attribute__((ext_vector_type(4)));
  union {
    u32 words[2];
    Half4 values;
  } left = {{a[0], a[1]}}, right = {{b[0], b[1]}};
  MfmaSums sums = {d[0], d[1], d[2], d[3]};
  sums = __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(left.values, right.values, sums, 0, 0, 0);
  d[0] = sums.x, d[1] = sums.y, d[2] = sums.z, d[3] = sums.w;
}
QUIPU_DEVICE void mma16x16x16(f16, float (&d)[4], const u32 (&a)[2], const u32 (&b)[2]) {
  typedef _Float16 Half4 __attribute__((ext_vector_type(4)));
  union {
    u32 words[2];
    Half4 values;
  } left = {{a[0], a[1]}}, right = {{b[0], b[1]}};
  MfmaSums sums = {d[0], d[1], d[2], d[3]};
  sums = __builtin_amdgcn_mfma_f32_16x16x16f16(left.values, right.values, sums, 0, 0, 0);
  d[0] = sums.x, d[1] = sums.y, d[2] = sums.z, d[3] = sums.w;
}
#endif
#endif // QUIPU_MFMA

#if QUIPU_WMMA_RDNA3
// 16 x 16, k = 16 (v_wmma_f32_16x16x16); waves of 32. Lanes l and l + 16 hold the same of A and of B.
//   a[i]: row l % 16, k = 2 * i and its neighbour
//   b[i]: column l % 16, the same k
//   d[i]: row 2 * i + l / 16, column l % 16
#if QUIPU_SIMT
template <class T> QUIPU_DEVICE void mma16x16x16(T, float (&d)[8], const u32 (&a)[8], const u32 (&b)[8]) {
  u32 own[16];
  for (int i = 0; i < 8; ++i)
    own[i] = a[i], own[8 + i] = b[i];
  const u32 *all = gatherWords(own);
  // Where the instruction reads a half that must be the same as another, it may take either: here the lane's own.
  int half = laneIndex() / 16 * 16, column = laneIndex() % 16;
  for (int i = 0; i < 8; ++i)
    for (int pair = 0; pair < 8; ++pair)
      addPair<T>(d[i], all[(half + 2 * i + laneIndex() / 16) * 16 + pair], all[(half + column) * 16 + 8 + pair]);
}
#else
typedef float WmmaSums __attribute__((ext_vector_type(8)));
QUIPU_DEVICE void mma16x16x16(bf16, float (&d)[8], const u32 (&a)[8], const u32 (&b)[8]) {
  typedef short Half16 __attribute__((ext_vector_type(16)));
  union {
    u32 words[8];
    Half16 values;
  } left, right;
  WmmaSums sums;
#pragma unroll
  for (int i = 0; i < 8; ++i)
    left.words[i] = a[i], right.words[i] = b[i], sums[i] = d[i];
  sums = __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(left.values, right.values, sums);
#pragma unroll
  for (int i = 0; i < 8; ++i)
    d[i] = sums[i];
}
QUIPU_DEVICE void mma16x16x16(f16, float (&d)[8], const u32 (&a)[8], const u32 (&b)[8]) {
  typedef _Float16 Half16 __attribute__((ext_vector_type(16)));
  union {
    u32 words[8];
    Half16 values;
  } left, right;
  WmmaSums sums;
#pragma unroll
  for (int i = 0; i < 8; ++i)
    left.words[i] = a[i], right.words[i] = b[i], sums[i] = d[i];
  sums = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(left.values, right.values, sums);
#pragma unroll
  for (int i = 0; i < 8; ++i)
    d[i] = sums[i];
}
#endif
#endif // QUIPU_WMMA_RDNA3

#if QUIPU_WMMA_RDNA4
// 16 x 16, k = 16 (v_wmma_f32_16x16x16); waves of 32.
//   a[i]: row l % 16, k = l / 16 * 8 + 2 * i and its neighbour
//   b[i]: column l % 16, the same k
//   d[i]: row l / 16 * 8 + i, column l % 16
#if QUIPU_SIMT
template <class T> QUIPU_DEVICE void mma16x16x16(T, float (&d)[8], const u32 (&a)[4], const u32 (&b)[4]) {
  u32 own[8] = {a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]};
  const u32 *all = gatherWords(own);
  int column = laneIndex() % 16;
  for (int i = 0; i < 8; ++i)
    for (int pair = 0; pair < 8; ++pair)
      addPair<T>(d[i], all[(laneIndex() / 16 * 8 + i + pair / 4 * 16) * 8 + pair % 4],
                 all[(column + pair / 4 * 16) * 8 + 4 + pair % 4]);
}
#else
typedef float WmmaSums __attribute__((ext_vector_type(8)));
QUIPU_DEVICE void mma16x16x16(bf16, float (&d)[8], const u32 (&a)[4], const u32 (&b)[4]) {
  typedef short Half8 __attribute__((ext_vector_type(8)));
  union {
    u32 words[4];
    Half8 values;
  } left = {{a[0], a[1], a[2], a[3]}}, right = {{b[0], b[1], b[2], b[3]}};
  WmmaSums sums;
#pragma unroll
  for (int i = 0; i < 8; ++i)
    sums[i] = d[i];
  sums = __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32_gfx12(left.values, right.values, sums);
#pragma unroll
  for (int i = 0; i < 8; ++i)
    d[i] = sums[i];
}
QUIPU_DEVICE void mma16x16x16(f16, float (&d)[8], const u32 (&a)[4], const u32 (&b)[4]) {
  typedef _Float16 Half8 __attribute__((ext_vector_type(8)));
  union {
    u32 words[4];
    Half8 values;
  } left = {{a[0], a[1], a[2], a[3]}}, right = {{b[0], b[1], b[2], b[3]}};
  WmmaSums sums;
#pragma unroll
  for (int i = 0; i < 8; ++i)
    sums[i] = d[i];
  sums = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12(left.values, right.values, sums);
#pragma unroll
  for (int i = 0; i < 8; ++i)
    d[i] = sums[i];
}
#endif
#endif // QUIPU_WMMA_RDNA4
