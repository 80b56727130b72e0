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

#if QUIPU_MFMA || QUIPU_WMMA_RDNA3 || QUIPU_WMMA_RDNA4
#if QUIPU_SIMT
// 16 x 16, lanes in groups of 16, A and B alike.
//   a[i]: row l % 16, k = l / 16 * kOfGroup + 2 * i and its neighbour
//   b[i]: column l % 16, the same k
//   d[i]: row l / 16 * rowsOfGroup + i * rowsOfSum, column l % 16
template <int depth, int words, int sumCount, int kOfGroup, int rowsOfGroup, int rowsOfSum> struct SquareLayout {
  enum { k = depth, aWords = words, bWords = words, sums = sumCount };
  static int aRow(int l, int) { return l % 16; }
  static int aK(int l, int i) { return l / 16 * kOfGroup + 2 * i; }
  static int bColumn(int l) { return l % 16; }
  static int bK(int l, int i) { return aK(l, i); }
  static int dRow(int l, int i) { return l / 16 * rowsOfGroup + i * rowsOfSum; }
  static int dColumn(int l, int) { return l % 16; }
};
#else
// Instruction: its operand as a vector, its sums as one, and the product of these.
template <class Instruction, int words, int count>
QUIPU_DEVICE void runInstruction(float (&d)[count], const u32 (&a)[words], const u32 (&b)[words]) {
  union {
    u32 parts[words];
    typename Instruction::Operand values;
  } left, right;
  typename Instruction::Sums sums;
#pragma unroll
  for (int i = 0; i < words; ++i)
    left.parts[i] = a[i], right.parts[i] = b[i];
#pragma unroll
  for (int i = 0; i < count; ++i)
    sums[i] = d[i];
  sums = Instruction::multiply(left.values, right.values, sums);
#pragma unroll
  for (int i = 0; i < count; ++i)
    d[i] = sums[i];
}

template <class Element, int elements, int count> struct MatrixVectors {
  typedef Element Operand __attribute__((ext_vector_type(elements)));
  typedef float Sums __attribute__((ext_vector_type(count)));
};
#endif
#endif

#if QUIPU_MFMA
// 16 x 16, k = 16 (v_mfma_f32_16x16x16); waves of 64.
//   a[i]: row l % 16, k = l / 16 * 4 + 2 * i and its neighbour
//   b[i]: column l % 16, the same k
//   d[i]: row l / 16 * 4 + i, column l % 16
#if QUIPU_SIMT
template <class T> QUIPU_DEVICE void mma16x16x16(T, float (&d)[4], const u32 (&a)[2], const u32 (&b)[2]) {
  runMma<T, SquareLayout<16, 2, 4, 4, 4, 1>>(d, a, b);
}
#else
struct MfmaBf16 : MatrixVectors<short, 4, 4> {
  static QUIPU_DEVICE_MEMBER Sums multiply(Operand a, Operand b, Sums sums) {
    return __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(a, b, sums, 0, 0, 0);
  }
};
struct MfmaF16 : MatrixVectors<_Float16, 4, 4> {
  static QUIPU_DEVICE_MEMBER Sums multiply(Operand a, Operand b, Sums sums) {
    return __builtin_amdgcn_mfma_f32_16x16x16f16(a, b, sums, 0, 0, 0);
  }
};
QUIPU_DEVICE void mma16x16x16(bf16, float (&d)[4], const u32 (&a)[2], const u32 (&b)[2]) {
  runInstruction<MfmaBf16>(d, a, b);
}
QUIPU_DEVICE void mma16x16x16(f16, float (&d)[4], const u32 (&a)[2], const u32 (&b)[2]) {
  runInstruction<MfmaF16>(d, a, b);
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
template <class T> QUIPU_DEVICE void mma16x16x32(T, float (&d)[4], const u32 (&a)[4], const u32 (&b)[4]) {
  runMma<T, SquareLayout<32, 4, 4, 8, 4, 1>>(d, a, b);
}
#else
struct WideMfmaBf16 : MatrixVectors<__bf16, 8, 4> {
  static QUIPU_DEVICE_MEMBER Sums multiply(Operand a, Operand b, Sums sums) {
    return __builtin_amdgcn_mfma_f32_16x16x32_bf16(a, b, sums, 0, 0, 0);
  }
};
struct WideMfmaF16 : MatrixVectors<_Float16, 8, 4> {
  static QUIPU_DEVICE_MEMBER Sums multiply(Operand a, Operand b, Sums sums) {
    return __builtin_amdgcn_mfma_f32_16x16x32_f16(a, b, sums, 0, 0, 0);
  }
};
QUIPU_DEVICE void mma16x16x32(bf16, float (&d)[4], const u32 (&a)[4], const u32 (&b)[4]) {
  runInstruction<WideMfmaBf16>(d, a, b);
}
QUIPU_DEVICE void mma16x16x32(f16, float (&d)[4], const u32 (&a)[4], const u32 (&b)[4]) {
  runInstruction<WideMfmaF16>(d, a, b);
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
  runMma<T, SquareLayout<16, 8, 8, 0, 1, 2>>(d, a, b);
}
#else
struct WmmaBf16 : MatrixVectors<short, 16, 8> {
  static QUIPU_DEVICE_MEMBER Sums multiply(Operand a, Operand b, Sums sums) {
    return __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(a, b, sums);
  }
};
struct WmmaF16 : MatrixVectors<_Float16, 16, 8> {
  static QUIPU_DEVICE_MEMBER Sums multiply(Operand a, Operand b, Sums sums) {
    return __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(a, b, sums);
  }
};
QUIPU_DEVICE void mma16x16x16(bf16, float (&d)[8], const u32 (&a)[8], const u32 (&b)[8]) {
  runInstruction<WmmaBf16>(d, a, b);
}
QUIPU_DEVICE void mma16x16x16(f16, float (&d)[8], const u32 (&a)[8], const u32 (&b)[8]) {
  runInstruction<WmmaF16>(d, a, b);
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
  runMma<T, SquareLayout<16, 4, 8, 8, 8, 1>>(d, a, b);
}
#else
struct WmmaBf16 : MatrixVectors<short, 8, 8> {
  static QUIPU_DEVICE_MEMBER Sums multiply(Operand a, Operand b, Sums sums) {
    return __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32_gfx12(a, b, sums);
  }
};
struct WmmaF16 : MatrixVectors<_Float16, 8, 8> {
  static QUIPU_DEVICE_MEMBER Sums multiply(Operand a, Operand b, Sums sums) {
    return __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12(a, b, sums);
  }
};
QUIPU_DEVICE void mma16x16x16(bf16, float (&d)[8], const u32 (&a)[4], const u32 (&b)[4]) {
  runInstruction<WmmaBf16>(d, a, b);
}
QUIPU_DEVICE void mma16x16x16(f16, float (&d)[8], const u32 (&a)[4], const u32 (&b)[4]) {
  runInstruction<WmmaF16>(d, a, b);
}
#endif
#endif // QUIPU_WMMA_RDNA4
