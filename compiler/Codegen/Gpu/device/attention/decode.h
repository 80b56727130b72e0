// Attention of few tokens, split over the cached positions (flash-decoding): a block is (token, query heads that share
// a KV head, split). All of its query heads use each key and value it loads. A split's share of the positions is a
// matter of run time: whole rounds of the block's waves, and splits beyond the last share return at once.
//
// A wave takes `step` neighbouring positions at a time. A row is spread over `rowLanes` lanes, 16 bytes a load, so one
// instruction of the wave reads `rows` rows; the values of this step and the keys of the next are on their way while
// the scores are made. Each group of rowLanes lanes has an online softmax of its own (base 2: the scale holds log2 e);
// groups, waves and, in a second kernel, splits are merged at the end.
#pragma once
#include "compiler/Codegen/Gpu/device/attention/cache.h"

// C: Elem (of the cache), dim, heads, kvHeads, blockHeads, headBlocks (blocks that share the query heads of a KV head),
// window (0: none), splits, waves, scale().
template <class C> struct DecodeShape {
  typedef typename C::Elem Elem;
  enum {
    dim = C::dim,
    group = C::heads / C::kvHeads,
    heads = C::blockHeads,
    pieceCount = pieceElements(dim, sizeof(Elem)),
    pieces = dim / pieceCount, // of a row
    rowLanes = constMin(ceilPowerOfTwo(pieces), waveWidth),
    lanePieces = (pieces + rowLanes - 1) / rowLanes,
    laneElements = lanePieces * pieceCount,
    rows = waveWidth / rowLanes,
    unroll = constMax(1, constMin(4 / lanePieces, pageSize / rows)),
    step = rows * unroll, // positions of one page; where rows > pageSize, each lane has a page of its own
    round = step * C::waves,
  };
  typedef RowPiece<Elem, pieceCount> Piece;
};

// Positions a split takes of those from `first`, a page's start, to `last`.
template <class C> QUIPU_DEVICE int splitLength(int first, int last) {
  enum { round = DecodeShape<C>::round };
  int rounds = (last - first + round) / round;
  return (rounds + C::splits - 1) / C::splits * round;
}

// What a split leaves in scratch: sums [token][head][split][dim], then [token][head][split]{largest score, weight}.
template <class C> QUIPU_DEVICE i64 splitRow(int token, int head, int split) {
  return (i64(token) * C::heads + head) * C::splits + split;
}
template <class C> QUIPU_DEVICE float *splitState(float *scratch, int tokens) {
  return scratch + splitRow<C>(tokens, 0, 0) * C::dim;
}

// One lane's part of a block: its pieces of the rows its group of lanes takes.
template <class C> struct DecodeLane {
  typedef DecodeShape<C> S;
  typedef typename C::Elem Elem;
  typedef typename S::Piece Piece;

  const Elem *cache;
  const i32 *pages; // of the sequence
  int kvHead, first, last;
  int row, lane; // group of lanes, place in it
  float query[S::heads][S::laneElements], sum[S::heads][S::laneElements];
  float largest[S::heads], weight[S::heads];

  QUIPU_DEVICE_MEMBER int column(int piece) const { return (piece * S::rowLanes + lane) * S::pieceCount; }
  QUIPU_DEVICE_MEMBER bool holds(int piece) const { return S::pieces % S::rowLanes == 0 || column(piece) < S::dim; }

  QUIPU_DEVICE_MEMBER void begin(const float *q, int heads) {
#pragma unroll
    for (int h = 0; h < S::heads; ++h) {
      largest[h] = QUIPU_MASKED_SCORE;
      weight[h] = 0;
#pragma unroll
      for (int i = 0; i < S::laneElements; ++i) {
        int piece = i / S::pieceCount;
        sum[h][i] = 0;
        query[h][i] = holds(piece) && h < heads ? q[h * S::dim + column(piece) + i % S::pieceCount] * C::scale() : 0;
      }
    }
  }

  QUIPU_DEVICE_MEMBER int page(int base) const {
    return pages[smaller(S::step > pageSize ? base + row : base, last) / pageSize];
  }

  // Rows past the last visible one read that one: their scores are masked.
  QUIPU_DEVICE_MEMBER void load(Piece (&to)[S::unroll][S::lanePieces], int page, int base, int offset) const {
    const Elem *block = pageBlock<Elem, C::kvHeads, C::dim>(cache, page, kvHead) + offset;
#pragma unroll
    for (int u = 0; u < S::unroll; ++u) {
      int line = smaller(base + u * S::rows + row, last) % pageSize;
#pragma unroll
      for (int p = 0; p < S::lanePieces; ++p)
        if (holds(p))
          to[u][p].load(block + line * S::dim + column(p));
        else
          to[u][p] = Piece();
    }
  }

  QUIPU_DEVICE_MEMBER void score(float (&scores)[S::heads][S::unroll], const Piece (&keys)[S::unroll][S::lanePieces],
                                 int base) const {
#pragma unroll
    for (int u = 0; u < S::unroll; ++u) {
      float key[S::laneElements];
#pragma unroll
      for (int p = 0; p < S::lanePieces; ++p)
        keys[u][p].widenTo(key + p * S::pieceCount);
#pragma unroll
      for (int h = 0; h < S::heads; ++h) {
        scores[h][u] = 0;
#pragma unroll
        for (int i = 0; i < S::laneElements; ++i)
          scores[h][u] = fusedMultiplyAdd(query[h][i], key[i], scores[h][u]);
      }
    }
#pragma unroll
    for (int mask = S::rowLanes / 2; mask > 0; mask /= 2)
#pragma unroll
      for (int h = 0; h < S::heads; ++h)
#pragma unroll
        for (int u = 0; u < S::unroll; ++u)
          scores[h][u] += shuffleXor(scores[h][u], mask);
#pragma unroll
    for (int u = 0; u < S::unroll; ++u) {
      int position = base + u * S::rows + row;
      bool visible = position <= last && (C::window == 0 || position >= first);
#pragma unroll
      for (int h = 0; h < S::heads; ++h)
        scores[h][u] = visible ? scores[h][u] : QUIPU_MASKED_SCORE;
    }
  }

  // Scores become weights; what was summed so far is scaled to the new largest score.
  QUIPU_DEVICE_MEMBER void soften(float (&scores)[S::heads][S::unroll]) {
#pragma unroll
    for (int h = 0; h < S::heads; ++h) {
      float now = largest[h];
#pragma unroll
      for (int u = 0; u < S::unroll; ++u)
        now = larger(now, scores[h][u]);
      float correction = fastExp2(largest[h] - now);
      largest[h] = now;
      weight[h] *= correction;
#pragma unroll
      for (int u = 0; u < S::unroll; ++u) {
        scores[h][u] = scores[h][u] == QUIPU_MASKED_SCORE ? 0 : fastExp2(scores[h][u] - now);
        weight[h] += scores[h][u];
      }
#pragma unroll
      for (int i = 0; i < S::laneElements; ++i)
        sum[h][i] *= correction;
    }
  }

  QUIPU_DEVICE_MEMBER void add(const float (&weights)[S::heads][S::unroll],
                               const Piece (&values)[S::unroll][S::lanePieces]) {
#pragma unroll
    for (int u = 0; u < S::unroll; ++u) {
      float value[S::laneElements];
#pragma unroll
      for (int p = 0; p < S::lanePieces; ++p)
        values[u][p].widenTo(value + p * S::pieceCount);
#pragma unroll
      for (int h = 0; h < S::heads; ++h)
#pragma unroll
        for (int i = 0; i < S::laneElements; ++i)
          sum[h][i] = fusedMultiplyAdd(weights[h][u], value[i], sum[h][i]);
    }
  }

  // Positions begin to end - 1, of which this wave takes one step of each round.
  QUIPU_DEVICE_MEMBER void attend(int begin, int end) {
    int base = begin + waveIndex() * S::step;
    if (base >= end)
      return;
    Piece keys[S::unroll][S::lanePieces], values[S::unroll][S::lanePieces];
    int current = page(base);
    load(keys, current, base, 0);
    while (base < end) {
      load(values, current, base, pageSize * S::dim);
      int next = base + S::round;
      current = page(next);
      float scores[S::heads][S::unroll];
      score(scores, keys, base);
      if (next < end)
        load(keys, current, next, 0);
      soften(scores);
      add(scores, values);
      base = next;
    }
  }

  // Every group of lanes gets the sums over all groups.
  QUIPU_DEVICE_MEMBER void mergeRows() {
#pragma unroll
    for (int h = 0; h < S::heads; ++h) {
      float all = largest[h];
#pragma unroll
      for (int mask = S::rowLanes; mask < waveWidth; mask *= 2)
        all = larger(all, shuffleXor(all, mask));
      float correction = fastExp2(largest[h] - all);
      largest[h] = all;
      weight[h] *= correction;
#pragma unroll
      for (int i = 0; i < S::laneElements; ++i)
        sum[h][i] *= correction;
#pragma unroll
      for (int mask = S::rowLanes; mask < waveWidth; mask *= 2) {
        weight[h] += shuffleXor(weight[h], mask);
#pragma unroll
        for (int i = 0; i < S::laneElements; ++i)
          sum[h][i] += shuffleXor(sum[h][i], mask);
      }
    }
  }

  // sums [head][dim], state [head]{largest, weight} of this wave.
  QUIPU_DEVICE_MEMBER void store(float *sums, float *state) const {
    if (row != 0)
      return;
#pragma unroll
    for (int h = 0; h < S::heads; ++h) {
      if (lane == 0) {
        state[h * 2] = largest[h];
        state[h * 2 + 1] = weight[h];
      }
#pragma unroll
      for (int i = 0; i < S::laneElements; ++i)
        if (holds(i / S::pieceCount))
          sums[h * S::dim + column(i / S::pieceCount) + i % S::pieceCount] = sum[h][i];
    }
  }
};

// Merges `parts` partial results, at a distance of `stride` rows of sums and state: element d of the weighted sum, and
// its state.
struct MergedPart {
  float sum, largest, weight;
};
QUIPU_DEVICE MergedPart mergeParts(const float *sums, const float *state, int parts, int stride, int dim, int d) {
  MergedPart merged = {0, state[0], 0};
#pragma unroll 8
  for (int p = 1; p < parts; ++p)
    merged.largest = larger(merged.largest, state[p * stride * 2]);
#pragma unroll 8
  for (int p = 0; p < parts; ++p) {
    float correction = fastExp2(state[p * stride * 2] - merged.largest);
    merged.sum = fusedMultiplyAdd(correction, sums[i64(p) * stride * dim + d], merged.sum);
    merged.weight = fusedMultiplyAdd(correction, state[p * stride * 2 + 1], merged.weight);
  }
  return merged;
}

template <class C>
QUIPU_DEVICE void attentionDecode(const float *q, const i32 *positions, const i32 *seqStarts, const i32 *pageTable,
                                  const typename C::Elem *cache, const i32 *dims, float *scratch) {
  typedef DecodeShape<C> S;
  QUIPU_SHARED(float, sums, C::waves *S::heads *S::dim);
  QUIPU_SHARED(float, state, C::waves *S::heads * 2);

  int tokens = dims[dimTokens], token = blockX(), split = blockZ();
  if (token >= tokens)
    return;
  int last = positions[token], first = firstVisible<C::window>(last), from = first / pageSize * pageSize;
  int length = splitLength<C>(from, last), begin = from + split * length;
  if (begin > last)
    return;

  int kvHead = blockY() / C::headBlocks, headOfGroup = blockY() % C::headBlocks * S::heads;
  int head = kvHead * S::group + headOfGroup, heads = smaller(S::heads, S::group - headOfGroup);
  DecodeLane<C> lane;
  lane.cache = cache;
  lane.pages = pageTable + i64(sequenceOfToken(seqStarts, dims[dimSequences], token)) * dims[dimPageStride];
  lane.kvHead = kvHead;
  lane.first = first;
  lane.last = last;
  lane.row = laneIndex() / S::rowLanes;
  lane.lane = laneIndex() % S::rowLanes;
  lane.begin(q + (i64(token) * C::heads + head) * S::dim, heads);
  lane.attend(begin, smaller(begin + length, last + 1));
  lane.mergeRows();
  lane.store(sums + waveIndex() * S::heads * S::dim, state + waveIndex() * S::heads * 2);
  blockBarrier();

  float *splitStates = splitState<C>(scratch, tokens);
  for (int i = threadIndex(); i < heads * S::dim; i += C::waves * waveWidth) {
    int h = i / S::dim, d = i % S::dim;
    MergedPart merged = mergeParts(sums + h * S::dim, state + h * 2, C::waves, S::heads, S::dim, d);
    i64 row = splitRow<C>(token, head + h, split);
    scratch[row * S::dim + d] = merged.sum;
    if (d == 0) {
      splitStates[row * 2] = merged.largest;
      splitStates[row * 2 + 1] = merged.weight;
    }
  }
}

// The second stage: a block for each (token, head).
template <class C, int threads>
QUIPU_DEVICE void attentionMerge(const i32 *positions, float *out, const i32 *dims, const float *scratch) {
  int tokens = dims[dimTokens], token = blockX(), head = blockY();
  if (token >= tokens)
    return;
  int last = positions[token], from = firstVisible<C::window>(last) / pageSize * pageSize;
  int length = splitLength<C>(from, last), splits = (last - from + length) / length;
  i64 row = splitRow<C>(token, head, 0);
  const float *state = splitState<C>(const_cast<float *>(scratch), tokens) + row * 2;
  for (int d = threadIndex(); d < C::dim; d += threads) {
    MergedPart merged = mergeParts(scratch + row * C::dim, state, splits, 1, C::dim, d);
    out[(i64(token) * C::heads + head) * C::dim + d] = merged.sum / merged.weight;
  }
}
