// Flash attention over many tokens (Dao et al. 2022; the online softmax of Milakov and Gimelshein 2018) of a ragged
// batch with paged keys and values.
//
// The step's tokens are cut into cells of C::tokens neighbours. A block is (cell, KV head, part) and takes those of the
// cell's sequences whose number in the cell is `part` modulo C::parts, one after another: of a long prompt each cell is
// one tile of a single sequence, of a batch of decodes a cell holds many. Rows of a tile are its tokens times the query
// heads that share the KV head, 16 * C::mTiles of them to a wave. Keys and values go through shared memory, C::tile
// positions at a time, the next ones on their way while these are used.
#pragma once
#include "compiler/Codegen/Gpu/device/async.h"
#include "compiler/Codegen/Gpu/device/attention/cache.h"

// C: Elem (of the cache), dim, heads, kvHeads, window (0: none), waves, mTiles, tile, tokens, parts, async (copies pass
// by the registers), ahead (else through registers, read while the tile before is used), scale(). Engine:
// attention/matrix.h or attention/fma.h.
template <class C, class Engine> struct FlashShape {
  enum {
    group = C::heads / C::kvHeads,
    threads = C::waves * waveWidth,
    pieceCount = pieceElements(C::dim, sizeof(typename C::Elem)),
    pieces = C::dim / pieceCount, // of a row
    buffers = C::async ? 2 : 1,
    bufferElements = Engine::keyElements + Engine::valueElements,
    sharedBytes = buffers * bufferElements * sizeof(typename Engine::Shared) + Engine::queryBytes,
    // Transposed values are stored two positions to a word.
    valueRows = Engine::valuesTransposed ? 2 : 1,
    keyTasks = C::tile * pieces,
    valueTasks = C::tile / valueRows * pieces,
    threadKeys = (keyTasks + threads - 1) / threads,
    threadValues = (valueTasks + threads - 1) / threads,
  };
};

// What a tile of queries attends to.
struct FlashRange {
  int firstToken, endToken; // of the step
  int begin, last;          // positions; begin is a page's start
  const i32 *pages;         // of the sequence
};

// A tile of keys and values on its way to shared memory, where the chip's copies pass by the registers: page numbers
// are read one tile ahead of the copies they are for.
template <class C, class Engine> struct AsyncStage {
  typedef FlashShape<C, Engine> S;
  typedef typename C::Elem Elem;
  int pages[S::threadKeys];

  static QUIPU_DEVICE_MEMBER int rowOf(int i) { return (threadIndex() + i * S::threads) / S::pieces; }

  QUIPU_DEVICE_MEMBER void readPages(const FlashRange &range, int base) {
#pragma unroll
    for (int i = 0; i < S::threadKeys; ++i)
      pages[i] = range.pages[smaller(base + rowOf(i), range.last) / pageSize];
  }
  QUIPU_DEVICE_MEMBER void fetch(const Elem *cache, int kvHead, const FlashRange &range, int base, Elem *keys,
                                 Elem *values) {
#if QUIPU_CP_ASYNC
#pragma unroll
    for (int i = 0; i < S::threadKeys; ++i) {
      int row = rowOf(i), column = (threadIndex() + i * S::threads) % S::pieces * S::pieceCount;
      if (S::keyTasks % S::threads && row >= C::tile)
        break;
      bool valid = base + row <= range.last;
      const Elem *from =
          pageBlock<Elem, C::kvHeads, C::dim>(cache, pages[i], kvHead) + row % pageSize * C::dim + column;
      copyAsync(keys + row * Engine::keyStride + column, from, valid);
      copyAsync(values + row * Engine::valueStride + column, from + pageSize * C::dim, valid);
    }
    commitCopies();
#endif
  }
  QUIPU_DEVICE_MEMBER void put(const Elem *, int, const FlashRange &, int, Elem *, Elem *) {}
};

// Through registers: element types are converted, values transposed where the engine wants them so. A task is a piece
// of a row (of two neighbouring rows of transposed values: a word holds two positions).
template <class C, class Engine> struct StageTasks {
  typedef FlashShape<C, Engine> S;
  typedef typename C::Elem Elem;
  typedef typename Engine::Shared Shared;
  typedef RowPiece<Elem, S::pieceCount> Piece;
  typedef PieceStore<Elem, S::pieceCount, Shared> Store;

  static QUIPU_DEVICE_MEMBER int keyRow(int task) { return task / S::pieces; }
  static QUIPU_DEVICE_MEMBER int keyColumn(int task) { return task % S::pieces * S::pieceCount; }
  // Neighbouring threads take neighbouring rows of transposed values, so that their words lie in different banks.
  static QUIPU_DEVICE_MEMBER int valueRow(int task) {
    return S::valueRows == 2 ? (task % 8 + task / (8 * S::pieces) * 8) * 2 : task / S::pieces;
  }
  static QUIPU_DEVICE_MEMBER int valueColumn(int task) {
    return (S::valueRows == 2 ? task / 8 % S::pieces : task % S::pieces) * S::pieceCount;
  }

  static QUIPU_DEVICE_MEMBER Piece read(const Elem *cache, int kvHead, const FlashRange &range, int position,
                                        int offset) {
    Piece piece = Piece();
    if (position <= range.last)
      piece.load(pageBlock<Elem, C::kvHeads, C::dim>(cache, range.pages[position / pageSize], kvHead) +
                 position % pageSize * C::dim + offset);
    return piece;
  }
  static QUIPU_DEVICE_MEMBER void putKey(int task, const Piece &piece, Shared *keys) {
    Store::store(piece, keys + keyRow(task) * Engine::keyStride + keyColumn(task));
  }
  static QUIPU_DEVICE_MEMBER void putValue(int task, const Piece (&piece)[S::valueRows], Shared *values) {
    int row = valueRow(task), column = valueColumn(task);
    if (S::valueRows == 1)
      Store::store(piece[0], values + row * Engine::valueStride + column);
    else
#pragma unroll
      for (int e = 0; e < S::pieceCount; ++e)
        *(u32 *)(values + (column + e) * Engine::valueStride + row) =
            piece[0].bits(e) | u32(piece[S::valueRows - 1].bits(e)) << 16;
  }
};

// `ahead`: all of a tile is read before its place in shared memory is free.
template <class C, class Engine> struct AheadStage : StageTasks<C, Engine> {
  typedef StageTasks<C, Engine> T;
  typedef FlashShape<C, Engine> S;
  typename T::Piece keys[S::threadKeys], values[S::threadValues][S::valueRows];

  QUIPU_DEVICE_MEMBER void readPages(const FlashRange &, int) {}
  QUIPU_DEVICE_MEMBER void fetch(const typename C::Elem *cache, int kvHead, const FlashRange &range, int base,
                                 typename T::Shared *, typename T::Shared *) {
#pragma unroll
    for (int i = 0; i < S::threadKeys; ++i) {
      int task = threadIndex() + i * S::threads;
      if (task < S::keyTasks)
        keys[i] = T::read(cache, kvHead, range, base + T::keyRow(task), T::keyColumn(task));
    }
#pragma unroll
    for (int i = 0; i < S::threadValues; ++i) {
      int task = threadIndex() + i * S::threads;
#pragma unroll
      for (int r = 0; r < S::valueRows; ++r)
        if (task < S::valueTasks)
          values[i][r] =
              T::read(cache, kvHead, range, base + T::valueRow(task) + r, pageSize * C::dim + T::valueColumn(task));
    }
  }
  QUIPU_DEVICE_MEMBER void put(const typename C::Elem *, int, const FlashRange &, int, typename T::Shared *toKeys,
                               typename T::Shared *toValues) {
#pragma unroll
    for (int i = 0; i < S::threadKeys; ++i)
      if (threadIndex() + i * S::threads < S::keyTasks)
        T::putKey(threadIndex() + i * S::threads, keys[i], toKeys);
#pragma unroll
    for (int i = 0; i < S::threadValues; ++i)
      if (threadIndex() + i * S::threads < S::valueTasks)
        T::putValue(threadIndex() + i * S::threads, values[i], toValues);
  }
};

// For rows so long that a tile ahead has no room in the registers.
template <class C, class Engine> struct DirectStage : StageTasks<C, Engine> {
  typedef StageTasks<C, Engine> T;
  typedef FlashShape<C, Engine> S;

  QUIPU_DEVICE_MEMBER void readPages(const FlashRange &, int) {}
  QUIPU_DEVICE_MEMBER void fetch(const typename C::Elem *, int, const FlashRange &, int, typename T::Shared *,
                                 typename T::Shared *) {}
  QUIPU_DEVICE_MEMBER void put(const typename C::Elem *cache, int kvHead, const FlashRange &range, int base,
                               typename T::Shared *toKeys, typename T::Shared *toValues) {
#pragma unroll 2
    for (int task = threadIndex(); task < S::keyTasks; task += S::threads)
      T::putKey(task, T::read(cache, kvHead, range, base + T::keyRow(task), T::keyColumn(task)), toKeys);
#pragma unroll 2
    for (int task = threadIndex(); task < S::valueTasks; task += S::threads) {
      typename T::Piece piece[S::valueRows];
#pragma unroll
      for (int r = 0; r < S::valueRows; ++r)
        piece[r] =
            T::read(cache, kvHead, range, base + T::valueRow(task) + r, pageSize * C::dim + T::valueColumn(task));
      T::putValue(task, piece, toValues);
    }
  }
};

template <bool async, bool ahead, class C, class Engine> struct StageOf {
  typedef AheadStage<C, Engine> Type;
};
template <class C, class Engine> struct StageOf<false, false, C, Engine> {
  typedef DirectStage<C, Engine> Type;
};
template <bool ahead, class C, class Engine> struct StageOf<true, ahead, C, Engine> {
  typedef AsyncStage<C, Engine> Type;
};

// One tile of queries: state of this lane's rows.
template <class C, class Engine> struct FlashTile {
  typedef FlashShape<C, Engine> S;
  typedef typename Engine::Fragment Fragment;
  typedef typename C::Elem Elem;
  enum { blocks = C::tile / 16, waveRows = C::mTiles * 16 };

  Engine engine;
  float largest[C::mTiles][Fragment::slots], weight[C::mTiles][Fragment::slots];
  int own[C::mTiles][Fragment::slots]; // position of the row's token

  // Row r of this wave: its token of the step. Rows past the last do the work of the last token and store nothing.
  static QUIPU_DEVICE_MEMBER int tokenOf(const FlashRange &range, int r) {
    return smaller(range.firstToken + (waveIndex() * waveRows + r) / S::group, range.endToken - 1);
  }
  static QUIPU_DEVICE_MEMBER bool stores(const FlashRange &range, int r) {
    int row = waveIndex() * waveRows + r;
    return row < C::tokens * S::group && range.firstToken + row / S::group < range.endToken;
  }
  static QUIPU_DEVICE_MEMBER i64 offsetOf(int token, int kvHead, int r) {
    return (i64(token) * C::heads + kvHead * S::group + (waveIndex() * waveRows + r) % S::group) * C::dim;
  }

  QUIPU_DEVICE_MEMBER void begin(const float *q, const i32 *positions, const FlashRange &range, int kvHead,
                                 u8 *queryShared) {
    engine.begin(queryShared, [&](int r) { return q + offsetOf(tokenOf(range, r), kvHead, r); });
#pragma unroll
    for (int m = 0; m < C::mTiles; ++m)
#pragma unroll
      for (int s = 0; s < Fragment::slots; ++s) {
        largest[m][s] = QUIPU_MASKED_SCORE;
        weight[m][s] = 0;
        own[m][s] = positions[tokenOf(range, m * 16 + Fragment::row(s))];
      }
  }

  // Compares what is known to the compiler with one value of the row: no register for each position.
  QUIPU_DEVICE_MEMBER void mask(Fragment (&scores)[C::mTiles][blocks], int base) {
#pragma unroll
    for (int m = 0; m < C::mTiles; ++m)
#pragma unroll
      for (int n = 0; n < blocks; ++n)
#pragma unroll
        for (int i = 0; i < Fragment::values; ++i) {
          int last = own[m][Fragment::slot(i)] - base - Fragment::column(), place = n * 16 + Fragment::offset(i);
          if (place > last || (C::window && place <= last - C::window))
            scores[m][n][i] = QUIPU_MASKED_SCORE;
        }
  }

  // Scores become weights. A row masked whole so far gets weights of one that its first real score scales to zero.
  QUIPU_DEVICE_MEMBER void soften(Fragment (&scores)[C::mTiles][blocks]) {
#pragma unroll
    for (int m = 0; m < C::mTiles; ++m) {
      float now[Fragment::slots], correction[Fragment::slots];
#pragma unroll
      for (int s = 0; s < Fragment::slots; ++s)
        now[s] = largest[m][s];
#pragma unroll
      for (int n = 0; n < blocks; ++n)
#pragma unroll
        for (int i = 0; i < Fragment::values; ++i)
          now[Fragment::slot(i)] = larger(now[Fragment::slot(i)], scores[m][n][i]);
#pragma unroll
      for (int s = 0; s < Fragment::slots; ++s) {
#pragma unroll
        for (int bit = Fragment::firstMask; bit <= Fragment::lastMask; bit *= 2)
          now[s] = larger(now[s], shuffleXor(now[s], bit));
        correction[s] = fastExp2(largest[m][s] - now[s]);
        largest[m][s] = now[s];
        weight[m][s] *= correction[s];
      }
#pragma unroll
      for (int n = 0; n < blocks; ++n)
#pragma unroll
        for (int i = 0; i < Fragment::values; ++i) {
          scores[m][n][i] = fastExp2(scores[m][n][i] - now[Fragment::slot(i)]);
          weight[m][Fragment::slot(i)] += scores[m][n][i];
        }
#pragma unroll
      for (int k = 0; k < Engine::steps; ++k)
#pragma unroll
        for (int i = 0; i < Fragment::values; ++i)
          engine.out[m][k][i] *= correction[Fragment::slot(i)];
    }
  }

  QUIPU_DEVICE_MEMBER void store(float *out, const FlashRange &range, int kvHead) {
#pragma unroll
    for (int m = 0; m < C::mTiles; ++m)
#pragma unroll
      for (int s = 0; s < Fragment::slots; ++s) {
        float sum = weight[m][s];
#pragma unroll
        for (int bit = Fragment::firstMask; bit <= Fragment::lastMask; bit *= 2)
          sum += shuffleXor(sum, bit);
        float inverse = 1.0f / sum;
        int r = m * 16 + Fragment::row(s);
        if (!stores(range, r))
          continue;
        float *row = out + offsetOf(tokenOf(range, r), kvHead, r) + Fragment::column();
#pragma unroll
        for (int k = 0; k < Engine::steps; ++k)
#pragma unroll
          for (int i = 0; i < Fragment::values; ++i)
            if (Fragment::slot(i) == s &&
                (C::dim % 16 == 0 || k * 16 + Fragment::offset(i) < C::dim - Fragment::column()))
              row[k * 16 + Fragment::offset(i)] = engine.out[m][k][i] * inverse;
      }
  }

  // All threads of the block; `shared` is free to write.
  QUIPU_DEVICE_MEMBER void attend(const Elem *cache, int kvHead, const FlashRange &range, int firstPosition,
                                  u8 *shared) {
    typedef typename Engine::Shared Shared;
    typename StageOf<C::async, C::ahead, C, Engine>::Type stage;
    Shared *buffers = (Shared *)shared;
    // Rows of this wave end before those of the next: its last position tells which tiles it can leave out.
    int lastRow = smaller((waveIndex() + 1) * waveRows - 1, C::tokens * S::group - 1);
    int firstRow = waveIndex() * waveRows;
    int waveTokens = smaller(lastRow / S::group, range.endToken - range.firstToken - 1);
    bool works = firstRow / S::group <= waveTokens;
    int waveLast = firstPosition + waveTokens, waveFirst = firstPosition + firstRow / S::group;

    stage.readPages(range, range.begin);
    stage.fetch(cache, kvHead, range, range.begin, buffers, buffers + Engine::keyElements);
    stage.readPages(range, range.begin + C::tile);
    int buffer = 0;
    for (int base = range.begin; base <= range.last; base += C::tile) {
      Shared *keys = buffers + buffer * S::bufferElements, *values = keys + Engine::keyElements;
      if (!C::async) {
        stage.put(cache, kvHead, range, base, keys, values);
        blockBarrier();
      }
      if (base + C::tile <= range.last) {
        Shared *next = buffers + (S::buffers - 1 - buffer) * S::bufferElements;
        stage.fetch(cache, kvHead, range, base + C::tile, next, next + Engine::keyElements);
        stage.readPages(range, base + 2 * C::tile);
#if QUIPU_CP_ASYNC
        if (C::async)
          waitCopies<1>();
#endif
      } else {
#if QUIPU_CP_ASYNC
        if (C::async)
          waitCopies<0>();
#endif
      }
      if (C::async)
        blockBarrier();
      if (works && base <= waveLast) {
        Fragment scores[C::mTiles][blocks];
        engine.score(scores, keys);
        if (base + C::tile - 1 > waveFirst || (C::window && base <= waveLast - C::window))
          mask(scores, base);
        soften(scores);
        engine.add(scores, values);
      }
      blockBarrier();
      if (C::async)
        buffer = 1 - buffer;
    }
  }
};

template <class C, class Engine>
QUIPU_DEVICE void attentionPrefill(const float *q, const i32 *positions, const i32 *seqStarts, const i32 *pageTable,
                                   const typename C::Elem *cache, float *out, const i32 *dims) {
  typedef FlashShape<C, Engine> S;
  QUIPU_DYNAMIC_SHARED(shared);
  int tokens = dims[dimTokens], sequences = dims[dimSequences];
  // The last tokens of a prompt attend to the most: they begin first.
  int cell = (tokens + C::tokens - 1) / C::tokens - 1 - blockX(), kvHead = blockY();
  if (cell < 0)
    return;
  int cellBegin = cell * C::tokens, cellEnd = smaller(cellBegin + C::tokens, tokens);
  if (C::dim % 16 != 0) { // padding of the keys stays zero: no copy writes there
    typename Engine::Shared *words = (typename Engine::Shared *)shared;
    for (int i = threadIndex(); i < S::buffers * S::bufferElements; i += S::threads)
      narrow(0, words[i]);
    blockBarrier();
  }
  int first = sequenceOfToken(seqStarts, sequences, cellBegin);
  for (int s = first + blockZ(); s < sequences && seqStarts[s] < cellEnd; s += C::parts) {
    FlashRange range;
    range.firstToken = larger(seqStarts[s], cellBegin);
    range.endToken = smaller(seqStarts[s + 1], cellEnd);
    if (range.firstToken >= range.endToken)
      continue;
    int firstPosition = positions[range.firstToken];
    range.begin = firstVisible<C::window>(firstPosition) / pageSize * pageSize;
    range.last = positions[range.endToken - 1];
    range.pages = pageTable + i64(s) * dims[dimPageStride];
    FlashTile<C, Engine> tile;
    tile.begin(q, positions, range, kvHead, shared + S::buffers * S::bufferElements * sizeof(typename Engine::Shared));
    tile.attend(cache, kvHead, range, firstPosition, shared);
    tile.store(out, range, kvHead);
  }
}
