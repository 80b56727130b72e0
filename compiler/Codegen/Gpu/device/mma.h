// Matrix instructions: d += a b of small tiles of bf16 or f16 with f32 sums, by all lanes of a wave together. Each
// helper states which elements a lane holds; the host's form of it computes from just those places, so that a kernel
// which takes a fragment for another gets wrong numbers there too.
//
// A is M x K, B is K x N, D is M x N. A word holds two neighbours in k, the lower one in the low half. `l` is the lane.
#pragma once
#include "compiler/Codegen/Gpu/device/async.h"

#if QUIPU_SIMT
struct MmaOperands {
  const u32 *a, *b;
  float *d;
};

// Puts the fragments of all lanes together, multiplies, and takes D apart again. Elements that no lane holds are NaN;
// of lanes that hold the same element the last one counts. Layout is the comment on an instruction as code.
template <class T, class Layout> static void emulateMma(void *const *lanes, int count) {
  enum { k = Layout::k };
  float a[16][k], b[16][k];
  for (int i = 0; i < 16 * k; ++i)
    a[i / k][i % k] = b[i / k][i % k] = bitsFloat(0x7fc00000);
  for (int l = 0; l < count; ++l) {
    const MmaOperands *own = (const MmaOperands *)lanes[l];
    for (int i = 0; i < Layout::aWords; ++i) {
      float *pair = &a[Layout::aRow(l, i)][Layout::aK(l, i)];
      pair[0] = widenLow(T(), own->a[i]), pair[1] = widenHigh(T(), own->a[i]);
    }
    for (int i = 0; i < Layout::bWords; ++i) {
      float *pair = &b[Layout::bColumn(l)][Layout::bK(l, i)];
      pair[0] = widenLow(T(), own->b[i]), pair[1] = widenHigh(T(), own->b[i]);
    }
  }
  for (int l = 0; l < count; ++l)
    for (int i = 0; i < Layout::sums; ++i)
      for (int j = 0; j < k; ++j)
        ((MmaOperands *)lanes[l])->d[i] += a[Layout::dRow(l, i)][j] * b[Layout::dColumn(l, i)][j];
}

template <class T, class Layout> QUIPU_DEVICE void runMma(float *d, const u32 *a, const u32 *b) {
  MmaOperands own = {a, b, d};
  simtCollective(waveWidth, emulateMma<T, Layout>, &own);
}
#endif

#if QUIPU_MMA_SYNC
// 16 x 8, k = 16 (mma.m16n8k16).
//   a[i]: row l / 4 + 8 * (i % 2), k = l % 4 * 2 + 8 * (i / 2) and its neighbour
//   b[i]: column l / 4, k = l % 4 * 2 + 8 * i and its neighbour
//   d[i]: row l / 4 + 8 * (i / 2), column l % 4 * 2 + i % 2
#if QUIPU_SIMT
struct Mma16x8x16Layout {
  enum { k = 16, aWords = 4, bWords = 2, sums = 4 };
  static int aRow(int l, int i) { return l / 4 + 8 * (i % 2); }
  static int aK(int l, int i) { return l % 4 * 2 + 8 * (i / 2); }
  static int bColumn(int l) { return l / 4; }
  static int bK(int l, int i) { return l % 4 * 2 + 8 * i; }
  static int dRow(int l, int i) { return l / 4 + 8 * (i / 2); }
  static int dColumn(int l, int i) { return l % 4 * 2 + i % 2; }
};
template <class T> QUIPU_DEVICE void mma16x8x16(T, float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
  runMma<T, Mma16x8x16Layout>(d, a, b);
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

#if QUIPU_SIMT
struct TileLoad {
  const void *row;
  u32 *words;
};
template <bool transposed> static void emulateTileLoad(void *const *lanes, int count) {
  for (int l = 0; l < count; ++l)
    for (int tile = 0; tile < 4; ++tile) {
      auto element = [&](int first, int second) {
        int row = transposed ? second : first, column = transposed ? first : second;
        return u32(((const u16 *)((TileLoad *)lanes[tile * 8 + row])->row)[column]);
      };
      ((TileLoad *)lanes[l])->words[tile] = element(l / 4, l % 4 * 2) | element(l / 4, l % 4 * 2 + 1) << 16;
    }
}
#endif

// Four 8 x 8 tiles of 16-bit elements from shared memory (ldmatrix): lane l gives the address of row l % 8 of tile l /
// 8 (16 bytes, aligned to 16); word i of lane l is row l / 4 of tile i, columns l % 4 * 2 and its neighbour.
// Transposed: column l / 4 of tile i, rows l % 4 * 2 and its neighbour.
template <bool transposed = false> QUIPU_DEVICE void loadTiles(u32 (&words)[4], const void *rowOfLane) {
#if QUIPU_SIMT
  TileLoad own = {rowOfLane, words};
  simtCollective(waveWidth, emulateTileLoad<transposed>, &own);
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
struct MfmaLayout {
  enum { k = 16, aWords = 2, bWords = 2, sums = 4 };
  static int aRow(int l, int i) { return l % 16; }
  static int aK(int l, int i) { return l / 16 * 4 + 2 * i; }
  static int bColumn(int l) { return l % 16; }
  static int bK(int l, int i) { return l / 16 * 4 + 2 * i; }
  static int dRow(int l, int i) { return l / 16 * 4 + i; }
  static int dColumn(int l, int i) { return l % 16; }
};
template <class T> QUIPU_DEVICE void mma16x16x16(T, float (&d)[4], const u32 (&a)[2], const u32 (&b)[2]) {
  runMma<T, MfmaLayout>(d, a, b);
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

// 16 x 16, k = 32 (v_mfma_f32_16x16x32, QUIPU_MFMA_WIDE; else the two halves of the words one after the other, which
// is the same sum in another order).
//   a[i]: row l % 16, k = l / 16 * 8 + 2 * i and its neighbour
//   b[i]: column l % 16, the same k
//   d[i]: row l / 16 * 4 + i, column l % 16
#if !QUIPU_MFMA_WIDE
template <class T> QUIPU_DEVICE void mma16x16x32(T type, float (&d)[4], const u32 (&a)[4], const u32 (&b)[4]) {
#pragma unroll
  for (int half = 0; half < 4; half += 2) {
    u32 left[2] = {a[half], a[half + 1]}, right[2] = {b[half], b[half + 1]};
    mma16x16x16(type, d, left, right);
  }
}
#elif QUIPU_SIMT
struct WideMfmaLayout {
  enum { k = 32, aWords = 4, bWords = 4, sums = 4 };
  static int aRow(int l, int i) { return l % 16; }
  static int aK(int l, int i) { return l / 16 * 8 + 2 * i; }
  static int bColumn(int l) { return l % 16; }
  static int bK(int l, int i) { return l / 16 * 8 + 2 * i; }
  static int dRow(int l, int i) { return l / 16 * 4 + i; }
  static int dColumn(int l, int i) { return l % 16; }
};
template <class T> QUIPU_DEVICE void mma16x16x32(T, float (&d)[4], const u32 (&a)[4], const u32 (&b)[4]) {
  runMma<T, WideMfmaLayout>(d, a, b);
}
#else
QUIPU_DEVICE void mma16x16x32(bf16, float (&d)[4], const u32 (&a)[4], const u32 (&b)[4]) {
  typedef __bf16 Half8 __attribute__((ext_vector_type(8)));
  union {
    u32 words[4];
    Half8 values;
  } left = {{a[0], a[1], a[2], a[3]}}, right = {{b[0], b[1], b[2], b[3]}};
  MfmaSums sums = {d[0], d[1], d[2], d[3]};
  sums = __builtin_amdgcn_mfma_f32_16x16x32_bf16(left.values, right.values, sums, 0, 0, 0);
  d[0] = sums.x, d[1] = sums.y, d[2] = sums.z, d[3] = sums.w;
}
QUIPU_DEVICE void mma16x16x32(f16, float (&d)[4], const u32 (&a)[4], const u32 (&b)[4]) {
  typedef _Float16 Half8 __attribute__((ext_vector_type(8)));
  union {
    u32 words[4];
    Half8 values;
  } left = {{a[0], a[1], a[2], a[3]}}, right = {{b[0], b[1], b[2], b[3]}};
  MfmaSums sums = {d[0], d[1], d[2], d[3]};
  sums = __builtin_amdgcn_mfma_f32_16x16x32_f16(left.values, right.values, sums, 0, 0, 0);
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
struct WmmaLayout {
  enum { k = 16, aWords = 8, bWords = 8, sums = 8 };
  static int aRow(int l, int i) { return l % 16; }
  static int aK(int l, int i) { return 2 * i; }
  static int bColumn(int l) { return l % 16; }
  static int bK(int l, int i) { return 2 * i; }
  static int dRow(int l, int i) { return 2 * i + l / 16; }
  static int dColumn(int l, int i) { return l % 16; }
};
template <class T> QUIPU_DEVICE void mma16x16x16(T, float (&d)[8], const u32 (&a)[8], const u32 (&b)[8]) {
  runMma<T, WmmaLayout>(d, a, b);
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
struct WmmaLayout {
  enum { k = 16, aWords = 4, bWords = 4, sums = 8 };
  static int aRow(int l, int i) { return l % 16; }
  static int aK(int l, int i) { return l / 16 * 8 + 2 * i; }
  static int bColumn(int l) { return l % 16; }
  static int bK(int l, int i) { return l / 16 * 8 + 2 * i; }
  static int dRow(int l, int i) { return l / 16 * 8 + i; }
  static int dColumn(int l, int i) { return l % 16; }
};
template <class T> QUIPU_DEVICE void mma16x16x16(T, float (&d)[8], const u32 (&a)[4], const u32 (&b)[4]) {
  runMma<T, WmmaLayout>(d, a, b);
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
