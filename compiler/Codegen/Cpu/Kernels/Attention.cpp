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
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/Kernels/CacheLayout.h"
#include "compiler/Codegen/Cpu/VectorMath.h"

#include <algorithm>

namespace quipu::cpu {
namespace {

constexpr int64_t blockPages = 4; // pages between two rescalings

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
      : b(b), p(p), lanes(b.lanes()), tokens(tokens), rowCount(tokens * p.group()),
        positionVectors(p.cache.pageSize / lanes), valueVectors(p.cache.paddedDim() / lanes) {}

  // Scratch of a tile of `rows` rows; one piece serves every tile size in turn.
  static int64_t scratchBytes(const AttentionParams &p, int64_t rows, int64_t lanes) {
    return rows * (blockPages * p.cache.pageSize + p.cache.paddedDim() + lanes + 2) * 4 + 64;
  }

  void generate(Value scratch, Value firstToken, Value kvHead, Value pages) {
    placeState(scratch);
    head = b.mul(kvHead, p.group());
    token = firstToken;
    pageList = pages;
    cacheHead = b.offset(b.buffer(5), kvHead, p.cache.headBytes());
    clearState();
    Value lastPosition = position(tokens - 1);
    Value pageCount = b.add(b.div(lastPosition, p.cache.pageSize), 1);
    Value firstPage = b.constant(0);
    if (p.window) // the first position any row of the tile sees
      firstPage = b.div(b.larger(b.add(position(0), 1 - p.window), b.constant(0)), p.cache.pageSize);
    b.loop(firstPage, pageCount, blockPages, [&](Value page) {
      Value end = b.smaller(b.add(page, blockPages), pageCount);
      scoreBlock(page, end);
      softmaxBlock();
      accumulateBlock(page, end);
    });
    storeRows();
  }

private:
  // Per row: scores [blockPages * pageSize], o [paddedDim], l [lanes], m, correction.
  void placeState(Value scratch) {
    scores = scratch;
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

  Value pageBlock(Value page) {
    Value number = b.toI64(b.load(b.offset(pageList, page, 4), b.i32()));
    return b.offset(cacheHead, number, p.cache.pageBytes());
  }

  // scores[row][i of block] = scale * q . k, masked. Pages past the end (of the last block only) are masked whole.
  void scoreBlock(Value page, Value end) {
    b.loop(b.constant(0), b.constant(blockPages), 1, [&](Value i) {
      Value current = b.add(page, i);
      Value column = b.offset(scores, i, p.cache.pageSize * 4);
      Value here = b.less(current, end);
      b.when(here, [&] { scorePage(current, column); });
      b.when(b.equal(here, b.zero(here.getType())), [&] {
        Value masked = b.real(maskedScore, lanes);
        for (int64_t row = 0; row < rowCount; ++row)
          for (int64_t v = 0; v < positionVectors; ++v)
            b.store(masked, scoreAddress(column, row, v));
      });
    });
  }

  Value scoreAddress(Value column, int64_t row, int64_t vector) {
    return b.offset(column, (row * blockPages * p.cache.pageSize + vector * lanes) * 4);
  }

  void scorePage(Value page, Value column) {
    Value keys = pageBlock(page);
    Value firstPosition = b.mul(page, p.cache.pageSize);
    // Half of the registers are accumulators, so that keys, broadcasts and addresses have room.
    int64_t rowsAtOnce = std::max<int64_t>(1, b.chip().vectorRegisters / 2 / positionVectors);
    for (int64_t first = 0; first < rowCount; first += rowsAtOnce)
      scoreRows(first, std::min(rowsAtOnce, rowCount - first), keys, firstPosition, column);
  }

  void scoreRows(int64_t first, int64_t count, Value keys, Value firstPosition, Value column) {
    Values queries;
    for (int64_t row = first; row < first + count; ++row)
      queries.push_back(rowAddress(0, row));
    Values zeros(count * positionVectors, b.real(0, lanes));
    Values products = b.loop(b.constant(0), b.constant(p.dim), 1, zeros, [&](Value feature, llvm::ArrayRef<Value> sum) {
      Values next(sum.begin(), sum.end()), key;
      Value line = b.offset(keys, feature, p.cache.pageSize * p.cache.elementBytes());
      for (int64_t v = 0; v < positionVectors; ++v)
        key.push_back(p.cache.load(b, b.offset(line, v * lanes * p.cache.elementBytes()), lanes));
      for (int64_t r = 0; r < count; ++r) {
        Value query = b.broadcast(b.load(b.offset(queries[r], feature, 4), b.f32()), lanes);
        for (int64_t v = 0; v < positionVectors; ++v)
          next[r * positionVectors + v] = b.fma(query, key[v], sum[r * positionVectors + v]);
      }
      return next;
    });
    for (int64_t r = 0; r < count; ++r)
      for (int64_t v = 0; v < positionVectors; ++v)
        b.store(masked(b.mulf(products[r * positionVectors + v], b.real(p.scale, lanes)), (first + r) / p.group(),
                       b.add(firstPosition, v * lanes)),
                scoreAddress(column, first + r, v));
  }

  // Scores of positions first .. first + lanes - 1, for the query of a token of the tile.
  Value masked(Value score, int64_t tokenOfTile, Value first) {
    Value own = position(tokenOfTile);
    Value visible = b.tailMask(b.add(b.sub(own, first), 1), lanes);
    Value result = b.select(visible, score, b.real(maskedScore, lanes));
    if (p.window) {
      Value before = b.tailMask(b.add(b.sub(own, first), 1 - p.window), lanes);
      result = b.select(before, b.real(maskedScore, lanes), result);
    }
    return result;
  }

  // Scores become weights; maxima, corrections and sums move on.
  void softmaxBlock() {
    int64_t vectors = blockPages * positionVectors;
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
      Value correction = expf(b, b.subf(b.broadcast(before, lanes), wide));
      Value sum = b.mulf(b.load(b.offset(sums, row, lanes * 4), b.f32(lanes)), correction);
      for (int64_t v = 0; v < vectors; ++v) {
        Value weight = expf(b, b.subf(score[v], wide));
        b.store(weight, b.offset(line, v * lanes * 4));
        sum = b.addf(sum, weight);
      }
      b.store(sum, b.offset(sums, row, lanes * 4));
      b.store(now, b.offset(maxima, row, 4));
      b.store(b.extract(correction, 0), b.offset(corrections, row, 4));
    });
  }

  // o = o * correction + weights . v, in pieces of rows and columns that stay in registers.
  void accumulateBlock(Value page, Value end) {
    int64_t vectorsAtOnce = std::min<int64_t>(valueVectors, b.chip().vectorRegisters >= 32 ? 4 : 2);
    int64_t rowsAtOnce = 4;
    for (int64_t row = 0; row < rowCount; row += rowsAtOnce)
      for (int64_t vector = 0; vector < valueVectors; vector += vectorsAtOnce)
        accumulatePiece(row, std::min(rowsAtOnce, rowCount - row), vector,
                        std::min(vectorsAtOnce, valueVectors - vector), page, end);
  }

  void accumulatePiece(int64_t row, int64_t rows, int64_t vector, int64_t vectors, Value page, Value end) {
    auto place = [&](int64_t r, int64_t v) {
      return b.offset(outputs, ((row + r) * valueVectors + vector + v) * lanes * 4);
    };
    Values carried;
    for (int64_t r = 0; r < rows; ++r) {
      Value correction = b.broadcast(b.load(b.offset(corrections, (row + r) * 4), b.f32()), lanes);
      for (int64_t v = 0; v < vectors; ++v)
        carried.push_back(b.mulf(b.load(place(r, v), b.f32(lanes)), correction));
    }
    carried = b.loop(page, end, 1, carried, [&](Value current, llvm::ArrayRef<Value> outer) {
      Value values = b.offset(pageBlock(current), p.cache.keyBytes() + vector * lanes * p.cache.elementBytes());
      Value weights = b.offset(scores, b.sub(current, page), p.cache.pageSize * 4);
      return b.loop(b.constant(0), b.constant(p.cache.pageSize), 1, outer, [&](Value i, llvm::ArrayRef<Value> sum) {
        Values next(sum.begin(), sum.end()), value;
        Value line = b.offset(values, i, p.cache.paddedDim() * p.cache.elementBytes());
        for (int64_t v = 0; v < vectors; ++v)
          value.push_back(p.cache.load(b, b.offset(line, v * lanes * p.cache.elementBytes()), lanes));
        for (int64_t r = 0; r < rows; ++r) {
          Value address = b.offset(b.offset(weights, i, 4), (row + r) * blockPages * p.cache.pageSize * 4);
          Value weight = b.broadcast(b.load(address, b.f32()), lanes);
          for (int64_t v = 0; v < vectors; ++v)
            next[r * vectors + v] = b.fma(weight, value[v], sum[r * vectors + v]);
        }
        return next;
      });
    });
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t v = 0; v < vectors; ++v)
        b.store(carried[r * vectors + v], place(r, v));
  }

  void storeRows() {
    for (int64_t row = 0; row < rowCount; ++row) {
      Value sum = b.reduceAdd(b.load(b.offset(sums, row * lanes * 4), b.f32(lanes)));
      Value inverse = b.broadcast(b.divf(b.real(1), sum), lanes);
      Value out = rowAddress(6, row);
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

  KernelBuilder &b;
  const AttentionParams &p;
  int64_t lanes, tokens, rowCount;
  int64_t positionVectors; // vectors a page's positions fill
  int64_t valueVectors;    // vectors a padded head fills
  Value scores, outputs, sums, maxima, corrections;
  Value head, token, pageList, cacheHead;
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
  params.require(p.heads % p.kvHeads == 0,
                 fmt::format("expected heads ({}) to be a multiple of kv_heads ({})", p.heads, p.kvHeads));
  if (auto read = params.finish(); !read)
    return read;

  // About sixteen rows make a tile: enough to reuse each key and value, few enough to stay in the first-level cache.
  int64_t tileTokens = std::max<int64_t>(1, 16 / p.group());
  Value scratch = b.scratch(Tile::scratchBytes(p, tileTokens * p.group(), b.lanes()));
  Value starts = b.buffer(2), tables = b.buffer(4), stride = b.dim(StepDim::PageStride);
  b.loop(b.constant(0), b.dim(StepDim::Sequences), 1, {b.constant(0)},
         [&](Value sequence, llvm::ArrayRef<Value> carried) -> Values {
           auto startOf = [&](Value s) { return b.toI64(b.load(b.offset(starts, s, 4), b.i32())); };
           Value first = startOf(sequence), last = startOf(b.add(sequence, 1));
           Value pages = b.offset(tables, b.mul(sequence, stride), 4);
           Value count = carried[0], whole = first;
           if (tileTokens > 1) {
             whole = b.add(first, b.mul(b.div(b.sub(last, first), tileTokens), tileTokens));
             count = forItems(b, p, first, whole, tileTokens, count, [&](Value token, Value kvHead) {
               Tile(b, p, tileTokens).generate(scratch, token, kvHead, pages);
             });
           }
           count = forItems(b, p, whole, last, 1, count,
                            [&](Value token, Value kvHead) { Tile(b, p, 1).generate(scratch, token, kvHead, pages); });
           return {count};
         });
  return {};
}

} // namespace quipu::cpu
