// attention: every query row sees the positions <= its own of its own sequence, in the paged cache.
//
// Online softmax (Milakov and Gimelshein 2018) over blocks of 64 positions, as in FlashAttention (Dao et al. 2022): for
// each row the largest score m so far, the sum l of exp(score - m) and the weighted sum o of the values; a block that
// raises m scales l and o by exp(old m - new m). l is kept lane by lane and summed once at the end, so one horizontal
// maximum a block and row is all there is.
//
// A work item is a tile of tokens of one sequence and one KV head: the query heads that share it, times the tokens, are
// the tile's rows, so every key and value loaded serves all of them. Tokens left over by full tiles (and all of decode)
// are tiles of one token. Items go to the workers in turn: under the causal mask later tiles are longer, and this
// spreads them evenly.
//
// With `splits`, the positions that a decoding sequence sees are cut into as many items as keep all workers busy, where
// it has fewer KV heads; attention_merge joins their results (Flash-Decoding, Dao et al. 2023).
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/Kernels/AttentionPartials.h"
#include "compiler/Codegen/Cpu/Kernels/AttentionProducts.h"
#include "compiler/Codegen/Cpu/VectorMath.h"

#include <algorithm>

namespace quipu::cpu {
namespace {

constexpr int64_t blockPages = 4; // pages between two rescalings
constexpr int64_t fewRows = 8;    // of a tile that keys and values come from memory for

// A masked score: far below every real one, yet finite, so that a row whose block is masked whole gets weights of one
// that the first real score scales to zero, where minus infinity would give NaN.
constexpr double maskedScore = -1e30;

struct AttentionParams {
  int64_t heads, kvHeads, dim, window; // window 0: none
  double scale;
  CacheLayout cache;

  int64_t group() const { return heads / kvHeads; } // query heads that share a KV head
};

// One tile: `tokens` tokens (known when the kernel is generated) of one sequence, and one KV head.
class Tile {
public:
  Tile(KernelBuilder &b, const AttentionParams &p, int64_t tokens)
      : b(b), p(p), products(b, p.cache, blockPages), lanes(b.lanes()), tokens(tokens), rowCount(tokens * p.group()),
        positionVectors(products.positionVectors()), valueVectors(p.cache.paddedDim() / lanes) {}

  // Scratch of a tile; one piece serves every tile size in turn.
  int64_t scratchBytes() const {
    int64_t positions = blockPages * p.cache.pageSize;
    return rowCount *
               (products.queryBytes() + products.weightBytes() + (positions + p.cache.paddedDim() + lanes + 2) * 4) +
           64;
  }

  // What a tile is of, and which part of its pages: `split` of `splits`, whose result goes to `partial`; null: all.
  struct Item {
    Value firstToken, kvHead, pages;
    Value split, splits, partial;
  };

  void generate(Value scratch, const Item &item) {
    placeState(scratch);
    head = b.mul(item.kvHead, p.group());
    token = item.firstToken;
    pageList = item.pages;
    cacheHead = b.offset(b.buffer(5), item.kvHead, p.cache.headBytes());
    clearState();
    // Scores are exponents of two.
    for (int64_t row = 0; row < rowCount; ++row)
      products.packQuery(rowAddress(0, row), p.scale * 1.4426950408889634,
                         b.offset(queries, row * products.queryBytes()));
    lastPosition = position(tokens - 1);
    Value pageCount = b.add(b.div(lastPosition, p.cache.pageSize), 1);
    Value firstPage = b.constant(0);
    if (p.window) // the first position any row of the tile sees
      firstPage = b.div(b.larger(b.add(position(0), 1 - p.window), b.constant(0)), p.cache.pageSize);
    lastPage = b.sub(pageCount, b.constant(1));
    if (item.split) {
      Value pages = b.sub(pageCount, firstPage);
      Value share =
          b.mul(b.divUp(b.div(b.add(pages, b.sub(item.splits, b.constant(1))), item.splits), blockPages), blockPages);
      firstPage = b.add(firstPage, b.mul(item.split, share));
      pageCount = b.smaller(pageCount, b.add(firstPage, share));
    }
    b.loop(firstPage, pageCount, blockPages, [&](Value page) {
      Value end = b.smaller(b.add(page, blockPages), pageCount);
      scoreBlock(page, end);
      softmaxBlock(page);
      accumulateBlock(page, end);
    });
    if (!item.split)
      return storeRows();
    Value alone = b.less(item.splits, b.constant(2));
    b.when(alone, [&] { storeRows(); });
    b.when(b.equal(alone, b.zero(alone.getType())), [&] { storePartial(item.partial); });
  }

private:
  // Per row: packed query, weights, scores [blockPages * pageSize], o [paddedDim], l [lanes], m, correction.
  void placeState(Value scratch) {
    queries = scratch;
    weights = b.offset(queries, rowCount * products.queryBytes());
    scores = b.offset(weights, rowCount * products.weightBytes());
    outputs = b.offset(scores, rowCount * blockPages * p.cache.pageSize * 4);
    sums = b.offset(outputs, rowCount * p.cache.paddedDim() * 4);
    maxima = b.offset(sums, rowCount * lanes * 4);
    corrections = b.offset(maxima, rowCount * 4);
  }

  void clearState() {
    Value zeros = b.real(0, lanes);
    int64_t vectors = rowCount * (valueVectors + 1); // o and l lie side by side
    b.loop(b.constant(0), b.constant(vectors), 1, [&](Value i) { b.store(zeros, b.offset(outputs, i, lanes * 4)); });
    b.loop(b.constant(0), b.constant(rowCount), 1,
           [&](Value row) { b.store(b.real(maskedScore), b.offset(maxima, row, 4)); });
  }

  Value position(int64_t tokenOfTile) {
    return b.toI64(b.load(b.offset(b.offset(b.buffer(1), token, 4), tokenOfTile * 4), b.i32()));
  }

  Value rowAddress(int64_t operand, int64_t row) {
    Value tokenRow = b.offset(b.buffer(operand), b.add(token, row / p.group()), p.heads * p.dim * 4);
    return b.offset(tokenRow, b.add(head, row % p.group()), p.dim * 4);
  }

  // The block of a page; a page past the last one is the last one again.
  Value pageBlock(Value page) {
    Value number = b.toI64(b.load(b.offset(pageList, b.smaller(page, lastPage), 4), b.i32()));
    return b.offset(cacheHead, number, p.cache.pageBytes());
  }

  // Calls body(first, count) for pieces of `most` that cover `total`: a loop, and what is left.
  void inPieces(int64_t total, int64_t most, llvm::function_ref<void(Value, int64_t)> body) {
    int64_t whole = total / most * most;
    if (whole == most)
      body(b.constant(0), most);
    else if (whole)
      b.loop(b.constant(0), b.constant(whole), most, [&](Value first) { body(first, most); });
    if (whole < total)
      body(b.constant(whole), total - whole);
  }

  // scores[row][i of block] = scale * q . k, masked. Pages past the end (of the last block only) are masked whole.
  void scoreBlock(Value page, Value end) {
    // Half of the registers are accumulators, so that keys, broadcasts and addresses have room. A few rows take
    // several pages at once: a dot product takes some cycles, and as many others must be under way.
    int64_t vectors = b.chip().vectorRegisters / 2 / products.accumulators() / positionVectors;
    int64_t rowsAtOnce = std::min(rowCount, std::max<int64_t>(1, vectors)), pagesAtOnce = 1;
    while (pagesAtOnce < blockPages && pagesAtOnce * 2 * rowsAtOnce <= vectors)
      pagesAtOnce *= 2;
    b.loop(b.constant(0), b.constant(blockPages), pagesAtOnce, [&](Value i) {
      Value current = b.add(page, i);
      Value column = b.offset(scores, i, p.cache.pageSize * 4);
      b.when(
          b.less(current, end),
          [&]() -> Values {
            scorePages(current, pagesAtOnce, rowsAtOnce, column);
            return {};
          },
          [&]() -> Values {
            b.loop(b.constant(0), b.constant(rowCount), 1, [&](Value row) {
              Value line = b.offset(column, row, products.blockPositions() * 4);
              for (int64_t v = 0; v < pagesAtOnce * positionVectors; ++v)
                b.store(b.real(maskedScore, lanes), b.offset(line, v * lanes * 4));
            });
            return {};
          });
    });
  }

  void scorePages(Value page, int64_t pages, int64_t rowsAtOnce, Value column) {
    Values blocks, soonNeeded;
    for (int64_t i = 0; i < pages; ++i) {
      blocks.push_back(pageBlock(b.add(page, i)));
      if (rowCount <= fewRows)
        soonNeeded.push_back(pageBlock(b.add(page, blockPages + i)));
    }
    Value firstPosition = b.mul(page, p.cache.pageSize);
    // Most pages are visible to all rows.
    Value visible = p.window ? b.less(b.constant(1), b.constant(0))
                             : b.less(b.add(firstPosition, pages * p.cache.pageSize), b.add(position(0), 2));
    inPieces(rowCount, rowsAtOnce, [&](Value first, int64_t rows) {
      Values score = products.scores(b.offset(queries, first, products.queryBytes()), rows, blocks, soonNeeded);
      auto store = [&](llvm::function_ref<Value(Value, int64_t row, int64_t vector)> masked) {
        int64_t columns = pages * positionVectors;
        Value line = b.offset(column, first, products.blockPositions() * 4);
        for (int64_t i = 0; i < rows * columns; ++i)
          b.store(masked(score[i], i / columns, i % columns),
                  b.offset(line, (i / columns * products.blockPositions() + i % columns * lanes) * 4));
        return Values();
      };
      b.when(
          visible, [&] { return store([](Value value, int64_t, int64_t) { return value; }); },
          [&] {
            return store([&](Value value, int64_t row, int64_t vector) {
              Value tokenOfTile = b.div(b.add(first, row), p.group());
              return masked(value, tokenOfTile, b.add(firstPosition, vector * lanes));
            });
          });
    });
  }

  // Scores of positions first .. first + lanes - 1, for the query of a token of the tile.
  Value masked(Value score, Value tokenOfTile, Value first) {
    Value own = b.toI64(b.load(b.offset(b.buffer(1), b.add(token, tokenOfTile), 4), b.i32()));
    Value visible = b.tailMask(b.add(b.sub(own, first), 1), lanes);
    Value result = b.select(visible, score, b.real(maskedScore, lanes));
    if (p.window) {
      Value before = b.tailMask(b.add(b.sub(own, first), 1 - p.window), lanes);
      result = b.select(before, b.real(maskedScore, lanes), result);
    }
    return result;
  }

  // Scores become weights; maxima, corrections and sums move on.
  void softmaxBlock(Value page) {
    int64_t vectors = blockPages * positionVectors;
    scales = products.weightScales([&](int64_t i) { return pageBlock(b.add(page, i)); },
                                   [&](int64_t i, int64_t v) {
                                     Value first = b.add(b.mul(b.add(page, i), p.cache.pageSize), v * lanes);
                                     return b.tailMask(b.add(b.sub(lastPosition, first), 1), lanes);
                                   });
    b.loop(b.constant(0), b.constant(rowCount), 1, [&](Value row) {
      Value line = b.offset(scores, row, vectors * lanes * 4);
      Values score;
      for (int64_t v = 0; v < vectors; ++v)
        score.push_back(b.load(b.offset(line, v * lanes * 4), b.f32(lanes)));
      Value largest = score[0];
      for (int64_t v = 1; v < vectors; ++v)
        largest = b.maxf(largest, score[v]);
      Value before = b.load(b.offset(maxima, row, 4), b.f32());
      Value now = b.maxf(before, b.reduceMax(largest));
      Value wide = b.broadcast(now, lanes);
      Value correction = exp2OfNegative(b, b.subf(b.broadcast(before, lanes), wide));
      Value sum = b.mulf(b.load(b.offset(sums, row, lanes * 4), b.f32(lanes)), correction);
      for (Value &weight : score) {
        weight = exp2OfNegative(b, b.subf(weight, wide));
        sum = b.addf(sum, weight);
      }
      products.storeWeights(score, scales, b.offset(weights, row, products.weightBytes()));
      b.store(sum, b.offset(sums, row, lanes * 4));
      b.store(now, b.offset(maxima, row, 4));
      b.store(b.extract(correction, 0), b.offset(corrections, row, 4));
    });
  }

  // o = o * correction + weights . v, in pieces of rows and columns that stay in registers.
  void accumulateBlock(Value page, Value end) {
    int64_t vectorsAtOnce = std::min<int64_t>(valueVectors, b.chip().vectorRegisters >= 32 ? 4 : 2);
    int64_t rowsAtOnce = 4 / products.accumulators();
    inPieces(rowCount, rowsAtOnce, [&](Value row, int64_t rows) {
      inPieces(valueVectors, vectorsAtOnce, [&](Value vector, int64_t vectors) {
        Value piece = b.offset(b.offset(outputs, row, p.cache.paddedDim() * 4), vector, lanes * 4);
        auto place = [&](int64_t i) { return b.offset(piece, (i / vectors * valueVectors + i % vectors) * lanes * 4); };
        Values carried;
        for (int64_t i = 0; i < rows * vectors; ++i) {
          Value correction = b.load(b.offset(b.offset(corrections, row, 4), i / vectors * 4), b.f32());
          carried.push_back(b.mulf(b.load(place(i), b.f32(lanes)), b.broadcast(correction, lanes)));
        }
        auto soon = [&](Value current) { return pageBlock(b.add(current, blockPages)); };
        llvm::function_ref<Value(Value)> soonNeeded;
        if (rowCount <= fewRows)
          soonNeeded = soon;
        carried = products.accumulate(
            b.offset(weights, row, products.weightBytes()), rows, b.mul(vector, lanes * p.cache.wordBytes()), vectors,
            page, end, [&](Value current) { return pageBlock(current); }, soonNeeded, scales, carried);
        for (int64_t i = 0; i < rows * vectors; ++i)
          b.store(carried[i], place(i));
      });
    });
  }

  void storeRows() {
    for (int64_t row = 0; row < rowCount; ++row) {
      Value sum = b.reduceAdd(b.load(b.offset(sums, row * lanes * 4), b.f32(lanes)));
      Value inverse = b.broadcast(b.divf(b.real(1), sum), lanes);
      Value out = rowAddress(7, row);
      for (int64_t v = 0; v < valueVectors; ++v) {
        Value result = b.mulf(b.load(b.offset(outputs, (row * valueVectors + v) * lanes * 4), b.f32(lanes)), inverse);
        int64_t valid = std::min(lanes, p.dim - v * lanes);
        if (valid == lanes)
          b.store(result, b.offset(out, v * lanes * 4));
        else if (valid > 0)
          b.store(result, b.offset(out, v * lanes * 4), b.tailMask(b.constant(valid), lanes));
      }
    }
  }

  // What attention_merge reads: o, not divided yet, m and l of each row.
  void storePartial(Value partial) {
    PartialLayout layout{p.cache.paddedDim()};
    for (int64_t row = 0; row < rowCount; ++row) {
      Value at = b.offset(partial, row * PartialLayout::mostSplits * layout.bytes());
      for (int64_t v = 0; v < valueVectors; ++v)
        b.store(b.load(b.offset(outputs, (row * valueVectors + v) * lanes * 4), b.f32(lanes)),
                b.offset(at, v * lanes * 4));
      b.store(b.load(b.offset(maxima, row * 4), b.f32()), b.offset(at, layout.maximumAt()));
      b.store(b.reduceAdd(b.load(b.offset(sums, row * lanes * 4), b.f32(lanes))), b.offset(at, layout.sumAt()));
    }
  }

  KernelBuilder &b;
  const AttentionParams &p;
  AttentionProducts products;
  int64_t lanes, tokens, rowCount;
  int64_t positionVectors; // vectors a page's positions fill
  int64_t valueVectors;    // vectors a padded head fills
  Value queries, weights, scores, outputs, sums, maxima, corrections;
  Value head, token, pageList, cacheHead, lastPosition, lastPage;
  AttentionProducts::WeightScales scales; // of the block
};

// Calls `body(item's first token, its KV head)` for this worker's items among tiles [first, last) of `size` tokens;
// `count` numbers the items from tile to tile and sequence to sequence.
Value forItems(KernelBuilder &b, const AttentionParams &p, Value first, Value last, int64_t size, Value count,
               llvm::function_ref<void(Value, Value)> body) {
  Value worker = b.worker(), workers = b.workers();
  Values end = b.loop(b.constant(0), b.constant(p.kvHeads), 1, {count}, [&](Value kvHead, llvm::ArrayRef<Value> outer) {
    return b.loop(first, last, size, outer, [&](Value token, llvm::ArrayRef<Value> counted) -> Values {
      Value mine = b.equal(b.rem(counted[0], workers), worker);
      b.when(mine, [&] { body(token, kvHead); });
      return {b.add(counted[0], 1)};
    });
  });
  return end[0];
}

// A decoding sequence: one token, each KV head of which may be cut into several items.
Value forSplits(KernelBuilder &b, const AttentionParams &p, Value sequence, Value token, Value pages, Value count,
                Value scratch) {
  PartialLayout layout{p.cache.paddedDim()};
  Value worker = b.worker(), workers = b.workers();
  Value splits = splitsOf(b, token, p.kvHeads, p.window);
  Value items = b.mul(b.constant(p.kvHeads), splits);
  b.loop(b.constant(0), items, 1, [&](Value item) {
    Value mine = b.equal(b.rem(b.add(count, item), workers), worker);
    b.when(mine, [&] {
      Value kvHead = b.div(item, splits), split = b.rem(item, splits);
      Value row = b.add(b.mul(sequence, p.heads), b.mul(kvHead, p.group()));
      Value partial =
          b.offset(b.offset(b.buffer(6), row, PartialLayout::mostSplits * layout.bytes()), split, layout.bytes());
      Tile(b, p, 1).generate(scratch, {token, kvHead, pages, split, splits, partial});
    });
  });
  return b.add(count, items);
}

} // namespace

Expected<> generateAttention(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  AttentionParams p;
  p.heads = params.integer("heads");
  p.kvHeads = params.integer("kv_heads");
  p.dim = params.integer("dim");
  p.scale = params.real("scale");
  p.window = params.integerOr("window", 0);
  p.cache = readCacheLayout(params, p.kvHeads, p.dim);
  bool splits = params.flag("splits");
  params.require(p.heads % p.kvHeads == 0,
                 fmt::format("expected heads ({}) to be a multiple of kv_heads ({})", p.heads, p.kvHeads));
  if (auto read = params.finish(); !read)
    return read;

  // About sixteen rows make a tile: enough to reuse each key and value, few enough to stay in the first-level cache.
  int64_t tileTokens = std::max<int64_t>(1, 16 / p.group());
  Value scratch = b.scratch(Tile(b, p, tileTokens).scratchBytes());
  Value starts = b.buffer(2), tables = b.buffer(4), stride = b.dim(StepDim::PageStride);
  auto tiles = [&](Value first, Value last, Value pages, Value count) {
    Value whole = first;
    if (tileTokens > 1) {
      whole = b.add(first, b.mul(b.div(b.sub(last, first), tileTokens), tileTokens));
      count = forItems(b, p, first, whole, tileTokens, count, [&](Value token, Value kvHead) {
        Tile(b, p, tileTokens).generate(scratch, {token, kvHead, pages});
      });
    }
    return forItems(b, p, whole, last, 1, count,
                    [&](Value token, Value kvHead) { Tile(b, p, 1).generate(scratch, {token, kvHead, pages}); });
  };
  b.loop(b.constant(0), b.dim(StepDim::Sequences), 1, {b.constant(0)},
         [&](Value sequence, llvm::ArrayRef<Value> carried) -> Values {
           auto startOf = [&](Value s) { return b.toI64(b.load(b.offset(starts, s, 4), b.i32())); };
           Value first = startOf(sequence), last = startOf(b.add(sequence, 1));
           Value pages = b.offset(tables, b.mul(sequence, stride), 4);
           if (splits) {
             Value decodes = b.equal(b.sub(last, first), b.constant(1));
             return b.when(
                 decodes, [&] { return Values{forSplits(b, p, sequence, first, pages, carried[0], scratch)}; },
                 [&] { return Values{tiles(first, last, pages, carried[0])}; });
           }
           return {tiles(first, last, pages, carried[0])};
         });
  return {};
}

} // namespace quipu::cpu
