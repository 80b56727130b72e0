// The products of flash attention by matrix instructions: 16 queries times 16 positions (scores) and 16 queries times
// 16 dimensions (sums) at a time, both f32 fragments of one form, so that scores turn into the operand of the second
// product within a lane (RDNA3: within a pair of lanes) and what belongs to a query row stays where it is.
//
// NVIDIA computes S = Q K^T and O = P V; values are read from shared memory transposed by ldmatrix. AMD computes
// S^T = K Q^T and O^T = V^T P^T: then a lane has a single query, and its scores are already the operand. The values lie
// transposed in shared memory.
#pragma once
#include "compiler/Codegen/Gpu/device/attention/cache.h"
#include "compiler/Codegen/Gpu/device/mma.h"

#if QUIPU_MMA_SYNC || QUIPU_MFMA || QUIPU_WMMA_RDNA3 || QUIPU_WMMA_RDNA4

// Which elements of a 16 x 16 fragment a lane holds: value i is at (row(slot(i)), column() + offset(i)); the lanes that
// differ in the bits from firstMask to lastMask hold the rest of its rows. Word w of an operand: row operandRow(w),
// columns operandColumn(w) and its neighbour.
struct MatrixFragment {
#if QUIPU_MMA_SYNC
  enum { parts = 2, partValues = 4, slots = 2, firstMask = 1, lastMask = 2, operandWords = 4, valuesTransposed = 0 };
  static QUIPU_DEVICE_MEMBER int row(int slot) { return laneIndex() / 4 + 8 * slot; }
  static QUIPU_DEVICE_MEMBER int column() { return laneIndex() % 4 * 2; }
  static QUIPU_DEVICE_MEMBER int offset(int i) { return i % 2 + i / 4 * 8; }
  static QUIPU_DEVICE_MEMBER int operandRow(int w) { return row(w % 2); }
  static QUIPU_DEVICE_MEMBER int operandColumn(int w) { return laneIndex() % 4 * 2 + w / 2 * 8; }
#else
#if QUIPU_MFMA
  enum { parts = 1, partValues = 4, slots = 1, firstMask = 16, lastMask = 32, operandWords = 2, valuesTransposed = 1 };
  static QUIPU_DEVICE_MEMBER int column() { return laneIndex() / 16 * 4; }
  static QUIPU_DEVICE_MEMBER int offset(int i) { return i; }
  static QUIPU_DEVICE_MEMBER int operandColumn(int w) { return laneIndex() / 16 * 4 + 2 * w; }
#elif QUIPU_WMMA_RDNA3
  enum { parts = 1, partValues = 8, slots = 1, firstMask = 16, lastMask = 16, operandWords = 8, valuesTransposed = 1 };
  static QUIPU_DEVICE_MEMBER int column() { return laneIndex() / 16; }
  static QUIPU_DEVICE_MEMBER int offset(int i) { return 2 * i; }
  static QUIPU_DEVICE_MEMBER int operandColumn(int w) { return 2 * w; }
#else
  enum { parts = 1, partValues = 8, slots = 1, firstMask = 16, lastMask = 16, operandWords = 4, valuesTransposed = 1 };
  static QUIPU_DEVICE_MEMBER int column() { return laneIndex() / 16 * 8; }
  static QUIPU_DEVICE_MEMBER int offset(int i) { return i; }
  static QUIPU_DEVICE_MEMBER int operandColumn(int w) { return laneIndex() / 16 * 8 + 2 * w; }
#endif
  static QUIPU_DEVICE_MEMBER int row(int) { return laneIndex() % 16; }
  static QUIPU_DEVICE_MEMBER int operandRow(int) { return laneIndex() % 16; }
#endif
  enum { values = parts * partValues };
  static QUIPU_DEVICE_MEMBER int slot(int i) { return slots == 2 ? i % 4 / 2 : 0; }

  float part[parts][partValues];

  QUIPU_DEVICE_MEMBER float &operator[](int i) { return part[i / partValues][i % partValues]; }
  QUIPU_DEVICE_MEMBER void clear() {
#pragma unroll
    for (int i = 0; i < values; ++i)
      (*this)[i] = 0;
  }
};

typedef u32 OperandWords[MatrixFragment::operandWords];

#if QUIPU_MMA_SYNC
// 16 positions x 16 dimensions of the keys, or of the values, whose rows are `stride` elements apart.
template <class Elem, int stride> QUIPU_DEVICE void loadKeys(OperandWords &words, const Elem *block) {
  int tile = laneIndex() / 8;
  loadTiles(words, block + (tile / 2 * 8 + laneIndex() % 8) * stride + tile % 2 * 8);
}
template <class Elem, int stride> QUIPU_DEVICE void loadValues(OperandWords &words, const Elem *block) {
  int tile = laneIndex() / 8;
  loadTiles<true>(words, block + (tile % 2 * 8 + laneIndex() % 8) * stride + tile / 2 * 8);
}
// d += q k^T, d += p v: `own` are the queries or weights.
template <class Elem>
QUIPU_DEVICE void multiply(Elem, MatrixFragment &d, const OperandWords &own, const OperandWords &shared) {
#pragma unroll
  for (int part = 0; part < 2; ++part) {
    u32 half[2] = {shared[part * 2], shared[part * 2 + 1]};
    mma16x8x16(Elem(), d.part[part], own, half);
  }
}
template <class Elem> QUIPU_DEVICE void makeWeights(Elem, OperandWords &words, MatrixFragment &scores) {
#pragma unroll
  for (int w = 0; w < 4; ++w)
    words[w] = narrowPair(Elem(), scores.part[w / 2][w % 2 * 2], scores.part[w / 2][w % 2 * 2 + 1]);
}
#else
// 16 positions x 16 dimensions of keys [position][stride], or of values [dimension][stride].
template <class Elem, int stride> QUIPU_DEVICE void loadKeys(OperandWords &words, const Elem *block) {
  const Elem *address = block + laneIndex() % 16 * stride + MatrixFragment::operandColumn(0);
  if (MatrixFragment::operandWords == 2) {
    u64 pair = *(const u64 *)address;
    words[0] = u32(pair), words[1] = u32(pair >> 32);
  } else {
#pragma unroll
    for (int w = 0; w < MatrixFragment::operandWords; w += 4) {
      Chunk chunk = loadChunk(address + w * 2);
#pragma unroll
      for (int i = 0; i < 4; ++i)
        words[w + i] = chunk.word[i];
    }
  }
}
template <class Elem, int stride> QUIPU_DEVICE void loadValues(OperandWords &words, const Elem *block) {
  loadKeys<Elem, stride>(words, block);
}
template <class Elem>
QUIPU_DEVICE void multiply(Elem, MatrixFragment &d, const OperandWords &own, const OperandWords &shared) {
  mma16x16x16(Elem(), d.part[0], shared, own);
}
#if QUIPU_WMMA_RDNA3
// The low (high) halves of the words of this lane and of the one 16 away: the pair's first lane comes first.
QUIPU_DEVICE u32 joinHalves(u32 own, u32 other, bool high) {
#if QUIPU_SIMT
  u32 first = laneIndex() < 16 ? own : other, second = laneIndex() < 16 ? other : own;
  return high ? first >> 16 | (second & 0xffff0000u) : (first & 0xffff) | second << 16;
#else
  u32 bytes = laneIndex() < 16 ? 0x05040100u : 0x01000504u;
  return __builtin_amdgcn_perm(other, own, bytes + (high ? 0x02020202u : 0));
#endif
}
#endif

template <class Elem> QUIPU_DEVICE void makeWeights(Elem, OperandWords &words, MatrixFragment &scores) {
#if QUIPU_WMMA_RDNA3 // the lane has the even positions or the odd ones, the lane 16 away the others
#pragma unroll
  for (int w = 0; w < 8; w += 2) {
    u32 own = narrowPair(Elem(), scores[w], scores[w + 1]), other = shuffleXor(own, 16);
    words[w] = joinHalves(own, other, false);
    words[w + 1] = joinHalves(own, other, true);
  }
#else
#pragma unroll
  for (int w = 0; w < MatrixFragment::operandWords; ++w)
    words[w] = narrowPair(Elem(), scores[2 * w], scores[2 * w + 1]);
#endif
}
#endif

// The queries of `C::queryShared`: as the keys, of which a query operand is the transposed twin.
template <class Elem, int stride> QUIPU_DEVICE void loadQuery(OperandWords &words, const Elem *block) {
#if QUIPU_MMA_SYNC
  int tile = laneIndex() / 8;
  loadTiles(words, block + (tile % 2 * 8 + laneIndex() % 8) * stride + tile / 2 * 8);
#else
  loadKeys<Elem, stride>(words, block);
#endif
}

// Keeps the compiler from reading all of a tile's operands at once, for which there are no registers.
QUIPU_DEVICE void limitReordering() {
#if QUIPU_AMD && !QUIPU_SIMT
#if __has_builtin(__builtin_amdgcn_sched_barrier)
  __builtin_amdgcn_sched_barrier(0);
#endif
#endif
}

// An f16 past the largest one would be infinite, and its products with zero NaN.
QUIPU_DEVICE float storable(bf16, float x) { return x; }
QUIPU_DEVICE float storable(f16, float x) { return x > 65504.0f ? 65504.0f : x < -65504.0f ? -65504.0f : x; }

template <class C> struct MatrixEngine {
  typedef MatrixFragment Fragment;
  typedef typename C::Elem Elem;
  typedef Elem Shared; // as keys and values lie in shared memory
  enum {
    paddedDim = (C::dim + 15) / 16 * 16,
    steps = paddedDim / 16,
    blocks = C::tile / 16,
    valuesTransposed = Fragment::valuesTransposed,
    // Rows of 16 bytes more than a power of two: those of eight neighbours lie in different banks.
    keyStride = paddedDim + 8,
    valueStride = valuesTransposed ? C::tile + 8 : keyStride,
    keyElements = C::tile * keyStride,
    valueElements = valuesTransposed ? paddedDim * valueStride : C::tile * valueStride,
    waveQueries = C::mTiles * 16 * keyStride,
    queryBytes = C::queryShared ? C::waves * waveQueries * sizeof(Elem) : 0,
    querySteps = C::queryShared ? 1 : steps,
  };

  OperandWords query[C::mTiles][querySteps]; // all of them, or those of the step
  Elem *queries;                             // of this wave, in shared memory
  Fragment out[C::mTiles][steps];

  static QUIPU_DEVICE_MEMBER float scaled(const float *row, int column) {
    return C::dim % 16 == 0 || column < C::dim ? storable(Elem(), row[column] * C::scale()) : 0;
  }

  // rowOf(r): the query of row r of this wave's rows.
  template <class RowOf> QUIPU_DEVICE_MEMBER void begin(u8 *shared, const RowOf &rowOf) {
    queries = (Elem *)shared + waveIndex() * waveQueries;
    if (C::queryShared) {
      for (int r = 0; r < C::mTiles * 16; ++r) {
        const float *row = rowOf(r);
        for (int d = laneIndex(); d < paddedDim; d += waveWidth)
          narrow(scaled(row, d), queries[r * keyStride + d]);
      }
      waveBarrier();
    } else {
#pragma unroll
      for (int m = 0; m < C::mTiles; ++m)
#pragma unroll
        for (int w = 0; w < Fragment::operandWords; ++w) {
          const float *row = rowOf(m * 16 + Fragment::operandRow(w));
#pragma unroll
          for (int k = 0; k < querySteps; ++k) {
            int column = k * 16 + Fragment::operandColumn(w);
            query[m][k][w] = narrowPair(Elem(), scaled(row, column), scaled(row, column + 1));
          }
        }
    }
#pragma unroll
    for (int m = 0; m < C::mTiles; ++m)
#pragma unroll
      for (int k = 0; k < steps; ++k)
        out[m][k].clear();
  }

  QUIPU_DEVICE_MEMBER void score(Fragment (&scores)[C::mTiles][blocks], const Elem *keys) {
#pragma unroll
    for (int n = 0; n < blocks; ++n) {
#pragma unroll
      for (int m = 0; m < C::mTiles; ++m)
        scores[m][n].clear();
#pragma unroll
      for (int k = 0; k < steps; ++k) {
        if (k % (16 / Fragment::operandWords) == 0)
          limitReordering();
        OperandWords words;
        loadKeys<Elem, keyStride>(words, keys + n * 16 * keyStride + k * 16);
#pragma unroll
        for (int m = 0; m < C::mTiles; ++m) {
          if (C::queryShared)
            loadQuery<Elem, keyStride>(query[m][0], queries + m * 16 * keyStride + k * 16);
          multiply(Elem(), scores[m][n], query[m][C::queryShared ? 0 : k], words);
        }
      }
    }
  }

  QUIPU_DEVICE_MEMBER void add(Fragment (&weights)[C::mTiles][blocks], const Elem *values) {
#pragma unroll
    for (int n = 0; n < blocks; ++n) {
      OperandWords own[C::mTiles];
#pragma unroll
      for (int m = 0; m < C::mTiles; ++m)
        makeWeights(Elem(), own[m], weights[m][n]);
#pragma unroll
      for (int k = 0; k < steps; ++k) {
        if (k % (16 / Fragment::operandWords) == 0)
          limitReordering();
        OperandWords words;
        const Elem *block =
            valuesTransposed ? values + k * 16 * valueStride + n * 16 : values + n * 16 * valueStride + k * 16;
        loadValues<Elem, valueStride>(words, block);
#pragma unroll
        for (int m = 0; m < C::mTiles; ++m)
          multiply(Elem(), out[m][k], own[m], words);
      }
    }
  }
};
#endif
