// Rotary embedding of query and key heads, and keys and values into the paged cache. The work of a token is divided
// into pieces of a head: blockX is the token, pieces run over blockY and the threads.
//
// A piece is `pairs` pairs of elements that turn together. Split halves: elements i and dim/2 + i; interleaved: 2i and
// 2i + 1. Where the head's shape allows, it is so many pairs that what goes to the cache are whole 16 bytes.
#pragma once
#include "compiler/Codegen/Gpu/device/attention/cache.h"

enum class Rotation { None, SplitHalf, Interleaved };

template <int threads> QUIPU_DEVICE int pieceIndex() { return blockY() * threads + threadIndex(); }

// The two runs of `pairs` neighbouring elements that a piece consists of begin at firstRun and secondRun.
template <int dim, int pairs, Rotation rotation> struct HeadPiece {
  enum { perHead = (dim / 2 + pairs - 1) / pairs };
  float first[pairs], second[pairs]; // by run
  int pair;                          // the first one's index

  QUIPU_DEVICE_MEMBER explicit HeadPiece(int piece) : pair(piece % perHead * pairs) {}
  QUIPU_DEVICE_MEMBER int firstRun() const { return rotation == Rotation::Interleaved ? 2 * pair : pair; }
  QUIPU_DEVICE_MEMBER int secondRun() const {
    return rotation == Rotation::Interleaved ? 2 * pair + pairs : dim / 2 + pair;
  }

  static QUIPU_DEVICE_MEMBER void loadRun(const float *from, float *values) {
    if (pairs % 4 == 0) {
#pragma unroll
      for (int i = 0; i + 3 < pairs; i += 4)
        ChunkOf<float>::widen(loadChunk(from + i), values + i);
    } else {
#pragma unroll
      for (int i = 0; i < pairs; ++i)
        values[i] = from[i];
    }
  }
  QUIPU_DEVICE_MEMBER void load(const float *head) {
    loadRun(head + firstRun(), first);
    loadRun(head + secondRun(), second);
  }

  template <class T> static QUIPU_DEVICE_MEMBER void storeRun(T *to, const float *values) {
    constexpr int count = ChunkOf<T>::count;
    if (pairs % count == 0) {
#pragma unroll
      for (int i = 0; i + count - 1 < pairs; i += count)
        storeChunk(to + i, ChunkOf<T>::narrow(values + i));
    } else {
#pragma unroll
      for (int i = 0; i < pairs; ++i)
        narrow(values[i], to[i]);
    }
  }
  template <class T> QUIPU_DEVICE_MEMBER void store(T *head) const {
    storeRun(head + firstRun(), first);
    storeRun(head + secondRun(), second);
  }

  static QUIPU_DEVICE_MEMBER void turnPair(float &a, float &b, float cosine, float sine) {
    float x = a * cosine - b * sine;
    b = b * cosine + a * sine;
    a = x;
  }

  // angles: dim/2 cosines, then the sines, of the token's position.
  QUIPU_DEVICE_MEMBER void turn(const float *angles) {
    float cosines[pairs], sines[pairs];
    loadRun(angles + pair, cosines);
    loadRun(angles + dim / 2 + pair, sines);
#pragma unroll
    for (int i = 0; i < pairs; ++i) {
      if (rotation != Rotation::Interleaved)
        turnPair(first[i], second[i], cosines[i], sines[i]);
      else if (2 * i < pairs && pairs > 1)
        turnPair(first[2 * i], first[2 * i + 1], cosines[i], sines[i]);
      else if (pairs > 1)
        turnPair(second[2 * i - pairs], second[2 * i + 1 - pairs], cosines[i], sines[i]);
      else
        turnPair(first[0], second[0], cosines[0], sines[0]);
    }
  }
};

template <class Elem, int kvHeads, int dim>
QUIPU_DEVICE Elem *cacheRow(Elem *cache, int slot, int kvHead, int isValue) {
  return cache + ((i64(slot / pageSize) * kvHeads + kvHead) * 2 + isValue) * (pageSize * dim) + slot % pageSize * dim;
}

template <int heads, int dim, int pairs, Rotation rotation, int threads>
QUIPU_DEVICE void rope(const float *x, const i32 *positions, const float *table, float *out, int tokens) {
  typedef HeadPiece<dim, pairs, rotation> Piece;
  int index = pieceIndex<threads>();
  if (blockX() >= tokens || index >= heads * Piece::perHead)
    return;
  int head = index / Piece::perHead;
  i64 at = (i64(blockX()) * heads + head) * dim;
  Piece piece(index);
  piece.load(x + at);
  piece.turn(table + i64(positions[blockX()]) * dim);
  piece.store(out + at);
}

template <class Elem, int kvHeads, int dim, int pairs, int threads>
QUIPU_DEVICE void kvAppend(const float *k, const float *v, const i32 *slots, Elem *cache, int tokens) {
  typedef HeadPiece<dim, pairs, Rotation::None> Piece;
  int index = pieceIndex<threads>();
  if (blockX() >= tokens || index >= 2 * kvHeads * Piece::perHead)
    return;
  int unit = index / Piece::perHead, isValue = unit / kvHeads, head = unit % kvHeads;
  Piece piece(index);
  piece.load((isValue ? v : k) + (i64(blockX()) * kvHeads + head) * dim);
  piece.store(cacheRow<Elem, kvHeads, dim>(cache, slots[blockX()], head, isValue));
}

// separateV: rows of qkv end with k, and v are rows of their own.
template <class Elem, int heads, int kvHeads, int dim, int pairs, Rotation rotation, bool separateV, int threads>
QUIPU_DEVICE void ropeAppend(const float *qkv, const float *v, const i32 *positions, const i32 *slots,
                             const float *table, Elem *cache, float *out, int tokens) {
  typedef HeadPiece<dim, pairs, rotation> Piece;
  constexpr int units = heads + 2 * kvHeads, joined = separateV ? heads + kvHeads : units;
  int index = pieceIndex<threads>();
  if (blockX() >= tokens || index >= units * Piece::perHead)
    return;
  int unit = index / Piece::perHead;
  Piece piece(index);
  if (!separateV || unit < joined)
    piece.load(qkv + (i64(blockX()) * joined + unit) * dim);
  else
    piece.load(v + (i64(blockX()) * kvHeads + unit - joined) * dim);
  if (rotation != Rotation::None && unit < heads + kvHeads)
    piece.turn(table + i64(positions[blockX()]) * dim);
  if (unit < heads) {
    piece.store(out + (i64(blockX()) * heads + unit) * dim);
    return;
  }
  int kvUnit = unit - heads;
  piece.store(cacheRow<Elem, kvHeads, dim>(cache, slots[blockX()], kvUnit % kvHeads, kvUnit / kvHeads));
}
