// Paged keys and values, layout `rows`: the block of (page, KV head) holds K [16][dim], then V [16][dim], and blocks
// lie [page][KV head].
#pragma once
#include "compiler/Codegen/Gpu/device/memory.h"

enum { pageSize = 16 };

// A masked score: far below every real one, yet finite, so that differences of two of them are numbers.
#define QUIPU_MASKED_SCORE (-1e30f)

QUIPU_DEVICE constexpr int constMin(int a, int b) { return a < b ? a : b; }
QUIPU_DEVICE constexpr int constMax(int a, int b) { return a > b ? a : b; }
QUIPU_DEVICE constexpr int ceilPowerOfTwo(int least, int from = 1) {
  return from >= least ? from : ceilPowerOfTwo(least, from * 2);
}

// The sequence that owns a token of the step: the last one that does not begin after it.
QUIPU_DEVICE int sequenceOfToken(const i32 *seqStarts, int sequences, int token) {
  int low = 0, high = sequences;
  while (high - low > 1) {
    int middle = (low + high) / 2;
    if (seqStarts[middle] <= token)
      low = middle;
    else
      high = middle;
  }
  return low;
}

// The first position that the token at `position` sees; window 0: none.
template <int window> QUIPU_DEVICE int firstVisible(int position) {
  return window && position >= window ? position - window + 1 : 0;
}

// First key of (page, KV head); the block's values follow pageSize * dim elements later.
template <class Elem, int kvHeads, int dim>
QUIPU_DEVICE const Elem *pageBlock(const Elem *cache, int page, int kvHead) {
  return cache + (i64(page) * kvHeads + kvHead) * (2 * pageSize * dim);
}

QUIPU_DEVICE u32 bitsOf(float value) { return floatBits(value); }
QUIPU_DEVICE u32 bitsOf(bf16 value) { return value.bits; }
QUIPU_DEVICE u32 bitsOf(f16 value) { return value.bits; }

// `count` neighbouring elements of a row in registers: one load of 16 bytes, or, where a row is no multiple of that,
// element by element.
template <class Elem, int count, bool whole = count * sizeof(Elem) == 16> struct RowPiece {
  Elem values[count];
  QUIPU_DEVICE_MEMBER void load(const Elem *address) {
#pragma unroll
    for (int i = 0; i < count; ++i)
      values[i] = address[i];
  }
  QUIPU_DEVICE_MEMBER void widenTo(float *to) const {
#pragma unroll
    for (int i = 0; i < count; ++i)
      to[i] = widen(values[i]);
  }
  QUIPU_DEVICE_MEMBER void store(Elem *to) const {
#pragma unroll
    for (int i = 0; i < count; ++i)
      to[i] = values[i];
  }
  QUIPU_DEVICE_MEMBER u32 bits(int i) const { return bitsOf(values[i]); }
};
template <class Elem, int count> struct RowPiece<Elem, count, true> {
  Chunk chunk;
  QUIPU_DEVICE_MEMBER void load(const Elem *address) { chunk = loadChunk(address); }
  QUIPU_DEVICE_MEMBER void widenTo(float *to) const { ChunkOf<Elem>::widen(chunk, to); }
  QUIPU_DEVICE_MEMBER void store(Elem *to) const { storeChunk(to, chunk); }
  QUIPU_DEVICE_MEMBER u32 bits(int i) const { return chunk.word[i / 2] >> i % 2 * 16 & 0xffff; }
};

// Elements of a piece: the largest power of two that divides dim, at most 16 bytes.
QUIPU_DEVICE constexpr int pieceElements(int dim, int bytes) {
  return dim % (16 / bytes) == 0 ? 16 / bytes : dim % 4 == 0 && bytes < 4 ? 4 : dim % 2 == 0 ? 2 : 1;
}

// As f32 where that is asked for, else as it is.
template <class Elem, int count, class To> struct PieceStore {
  static QUIPU_DEVICE_MEMBER void store(const RowPiece<Elem, count> &piece, To *to) { piece.widenTo(to); }
};
template <class Elem, int count> struct PieceStore<Elem, count, Elem> {
  static QUIPU_DEVICE_MEMBER void store(const RowPiece<Elem, count> &piece, Elem *to) { piece.store(to); }
};
