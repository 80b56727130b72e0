#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionTile.h"

#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionPartials.h"
#include "compiler/Codegen/Cpu/VectorMath.h"

#include <algorithm>

namespace quipu::cpu {
namespace {

constexpr int64_t blockPages = 4; // pages between two rescalings
constexpr int64_t fewRows = 8;    // of a tile that waits for memory more than it computes
constexpr int64_t headsAhead = 2; // are asked for while one is worked on

// A masked score: far below every real one, yet finite, so that a row whose block is masked whole gets weights of one
// that the first real score scales to zero, where minus infinity would give NaN.
constexpr double maskedScore = -1e30;

int64_t wholeLines(int64_t bytes) { return (bytes + 63) / 64 * 64; }

} // namespace

AttentionTile::AttentionTile(KernelBuilder &b, const AttentionParams &p, int64_t tokens, int64_t mostHeads)
    : b(b), p(p), products(b, p.cache, blockPages), lanes(b.lanes()), tokens(tokens), mostHeads(mostHeads),
      rowCount(tokens * p.group()), positionVectors(products.positionVectors()),
      valueVectors(p.cache.paddedDim() / lanes) {}

// Per row: packed query, o [paddedDim], l [lanes], m.
int64_t AttentionTile::stateBytes() const {
  return wholeLines(rowCount * (products.queryBytes() + (p.cache.paddedDim() + lanes + 1) * 4));
}

// Per row: weights, scores [blockPages * pageSize], correction.
int64_t AttentionTile::transientBytes() const { return products.weightBytes() + (products.blockPositions() + 1) * 4; }

void AttentionTile::enterHead(Value headOfTile) {
  queries = b.offset(state, headOfTile, stateBytes());
  outputs = b.offset(queries, rowCount * products.queryBytes());
  sums = b.offset(outputs, rowCount * p.cache.paddedDim() * 4);
  maxima = b.offset(sums, rowCount * lanes * 4);
  Value kvHead = b.add(firstHead, headOfTile);
  head = b.mul(kvHead, p.group());
  cacheHead = b.offset(b.buffer(5), kvHead, p.cache.headBytes());
}

void AttentionTile::lookAhead(Value headOfTile, Value heads) {
  Value later = b.add(headOfTile, headsAhead);
  soonPages = b.mul(b.div(later, heads), blockPages);
  soonHead = b.offset(b.buffer(5), b.add(firstHead, b.rem(later, heads)), p.cache.headBytes());
}

void AttentionTile::generate(Value scratch, const Item &item) {
  state = scratch;
  weights = b.offset(state, mostHeads * stateBytes());
  scores = b.offset(weights, rowCount * products.weightBytes());
  corrections = b.offset(scores, rowCount * products.blockPositions() * 4);
  token = item.firstToken;
  firstHead = item.firstHead;
  pageList = item.pages;
  auto forHeads = [&](llvm::function_ref<void()> body) {
    b.loop(b.constant(0), item.heads, 1, [&](Value headOfTile) {
      enterHead(headOfTile);
      lookAhead(headOfTile, item.heads);
      body();
    });
  };
  forHeads([&] {
    clearState();
    // Scores are exponents of two.
    for (int64_t row = 0; row < rowCount; ++row)
      products.packQuery(rowAddress(0, row), p.scale * 1.4426950408889634,
                         b.offset(queries, row * products.queryBytes()));
  });
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
    forHeads([&] {
      scoreBlock(page, end);
      softmaxBlock(page);
      accumulateBlock(page, end);
    });
  });
  forHeads([&] {
    if (!item.split)
      return storeRows();
    Value alone = b.less(item.splits, b.constant(2));
    b.when(alone, [&] { storeRows(); });
    b.when(b.equal(alone, b.zero(alone.getType())), [&] { storePartial(item.partial); });
  });
}

void AttentionTile::clearState() {
  Value zeros = b.real(0, lanes);
  int64_t vectors = rowCount * (valueVectors + 1); // o and l lie side by side
  b.loop(b.constant(0), b.constant(vectors), 1, [&](Value i) { b.store(zeros, b.offset(outputs, i, lanes * 4)); });
  b.loop(b.constant(0), b.constant(rowCount), 1,
         [&](Value row) { b.store(b.real(maskedScore), b.offset(maxima, row, 4)); });
}

Value AttentionTile::position(int64_t tokenOfTile) {
  return b.toI64(b.load(b.offset(b.offset(b.buffer(1), token, 4), tokenOfTile * 4), b.i32()));
}

Value AttentionTile::rowAddress(int64_t operand, int64_t row) {
  Value tokenRow = b.offset(b.buffer(operand), b.add(token, row / p.group()), p.heads * p.dim * 4);
  return b.offset(tokenRow, b.add(head, row % p.group()), p.dim * 4);
}

Value AttentionTile::soonNeeded(Value page) { return blockIn(soonHead, b.add(page, soonPages)); }

Value AttentionTile::blockIn(Value cacheHead, Value page) {
  Value number = b.toI64(b.load(b.offset(pageList, b.smaller(page, lastPage), 4), b.i32()));
  return b.offset(cacheHead, number, p.cache.pageBytes());
}

void AttentionTile::inPieces(int64_t total, int64_t most, llvm::function_ref<void(Value, int64_t)> body) {
  int64_t whole = total / most * most;
  if (whole == most)
    body(b.constant(0), most);
  else if (whole)
    b.loop(b.constant(0), b.constant(whole), most, [&](Value first) { body(first, most); });
  if (whole < total)
    body(b.constant(whole), total - whole);
}

void AttentionTile::scoreBlock(Value page, Value end) {
  // Half of the registers are accumulators, so that keys, broadcasts and addresses have room. A few rows take
  // several pages at once: a dot product takes some cycles, and as many others must be under way.
  int64_t vectors = b.chip().vectorRegisters / 2 / positionVectors;
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

void AttentionTile::scorePages(Value page, int64_t pages, int64_t rowsAtOnce, Value column) {
  Values blocks, soon;
  for (int64_t i = 0; i < pages; ++i) {
    blocks.push_back(pageBlock(b.add(page, i)));
    if (rowCount <= fewRows)
      soon.push_back(soonNeeded(b.add(page, i)));
  }
  Value firstPosition = b.mul(page, p.cache.pageSize);
  // Most pages are visible to all rows.
  Value visible = p.window ? b.less(b.constant(1), b.constant(0))
                           : b.less(b.add(firstPosition, pages * p.cache.pageSize), b.add(position(0), 2));
  inPieces(rowCount, rowsAtOnce, [&](Value first, int64_t rows) {
    Values score = products.scores(b.offset(queries, first, products.queryBytes()), rows, blocks, soon);
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

Value AttentionTile::masked(Value score, Value tokenOfTile, Value first) {
  Value own = b.toI64(b.load(b.offset(b.buffer(1), b.add(token, tokenOfTile), 4), b.i32()));
  Value visible = b.tailMask(b.add(b.sub(own, first), 1), lanes);
  Value result = b.select(visible, score, b.real(maskedScore, lanes));
  if (p.window) {
    Value before = b.tailMask(b.add(b.sub(own, first), 1 - p.window), lanes);
    result = b.select(before, b.real(maskedScore, lanes), result);
  }
  return result;
}

void AttentionTile::softmaxBlock(Value page) {
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

void AttentionTile::accumulateBlock(Value page, Value end) {
  int64_t most = (b.chip().vectorRegisters >= 32 ? 4 : 2) / products.weightParts();
  int64_t vectorsAtOnce = std::min(valueVectors, most), rowsAtOnce = 4;
  inPieces(rowCount, rowsAtOnce, [&](Value row, int64_t rows) {
    inPieces(valueVectors, vectorsAtOnce, [&](Value vector, int64_t vectors) {
      Value piece = b.offset(b.offset(outputs, row, p.cache.paddedDim() * 4), vector, lanes * 4);
      auto place = [&](int64_t i) { return b.offset(piece, (i / vectors * valueVectors + i % vectors) * lanes * 4); };
      Values carried;
      for (int64_t i = 0; i < rows * vectors; ++i) {
        Value correction = b.load(b.offset(b.offset(corrections, row, 4), i / vectors * 4), b.f32());
        carried.push_back(b.mulf(b.load(place(i), b.f32(lanes)), b.broadcast(correction, lanes)));
      }
      llvm::function_ref<Value(Value)> soon;
      auto block = [&](Value current) { return soonNeeded(current); };
      if (rowCount <= fewRows)
        soon = block;
      carried = products.accumulate(
          b.offset(weights, row, products.weightBytes()), rows, b.mul(vector, lanes * p.cache.wordBytes()), vectors,
          page, end, [&](Value current) { return pageBlock(current); }, soon, scales, carried);
      for (int64_t i = 0; i < rows * vectors; ++i)
        b.store(carried[i], place(i));
    });
  });
}

void AttentionTile::storeRows() {
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

void AttentionTile::storePartial(Value partial) {
  PartialLayout layout{p.heads, p.cache.paddedDim()};
  Value first = b.offset(partial, head, layout.rowBytes());
  for (int64_t row = 0; row < rowCount; ++row) {
    Value at = b.offset(first, row * layout.rowBytes());
    for (int64_t v = 0; v < valueVectors; ++v)
      b.store(b.load(b.offset(outputs, (row * valueVectors + v) * lanes * 4), b.f32(lanes)),
              b.offset(at, v * lanes * 4));
    b.store(b.load(b.offset(maxima, row * 4), b.f32()), b.offset(at, layout.maximumAt()));
    b.store(b.reduceAdd(b.load(b.offset(sums, row * lanes * 4), b.f32(lanes))), b.offset(at, layout.sumAt()));
  }
}

} // namespace quipu::cpu
