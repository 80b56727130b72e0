#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionTile.h"

#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionPartials.h"
#include "compiler/Codegen/Cpu/VectorMath.h"

#include "runtime/Support/Rounding.h"

#include <algorithm>
#include <limits>

namespace quipu::cpu {
namespace {

constexpr int64_t blockPages = attentionBlockPages;
constexpr int64_t fewRows = 8;          // of a tile that waits for memory more than it computes
constexpr int64_t pieceRows = 4;        // whose weighted values are added up in one go
constexpr int64_t mostSoftmaxLines = 2; // of a page that a row's softmax asks for: more at once wait for each other
constexpr int64_t headsAhead = 2;       // are asked for while one is worked on

constexpr double scoreUnit = 1.4426950408889634; // log2(e): scores are exponents of two

// A masked score has no weight, whatever it is multiplied with. A maximum begins far below every real score, yet
// finite, so that a block that is masked whole is no NaN.
constexpr double maskedScore = -std::numeric_limits<double>::infinity();
constexpr double lowestMaximum = -1e30;

// A block's weights have eight bits where each of its positions is below a share of 2^coarseExponent of all before it.
// They are off by at most 1/510 of that then.
constexpr int64_t coarseExponent = -5;

} // namespace

AttentionTile::AttentionTile(KernelBuilder &b, const AttentionParams &p, int64_t tokens, int64_t mostHeads)
    : b(b), p(p), products(b, p.cache, blockPages), lanes(b.lanes()), tokens(tokens), mostHeads(mostHeads),
      rowCount(tokens * p.group()), positionVectors(products.positionVectors()),
      valueVectors(p.cache.paddedDim() / lanes) {
  rowLanes = roundUp(rowCount, lanes);
  valueLines = rowCount > fewRows ? 0 : p.cache.pageSize * p.cache.paddedDim() * p.cache.elementBytes() / 64;
  softmaxLines = std::min(mostSoftmaxLines, divideUp(valueLines / 4, rowCount));
}

// Of each row the packed query and o [paddedDim]; an array of rows of m, of l, of `coarseBelow`.
int64_t AttentionTile::stateBytes() const {
  return rowCount * (products.queryBytes() + p.cache.paddedDim() * 4) + 3 * rowLanes * 4;
}

// Of each row weights and scores [blockPages * pageSize].
int64_t AttentionTile::transientBytes() const {
  return rowCount * (products.weightBytes() + products.blockPositions() * 4);
}

void AttentionTile::enterHead(Value headOfTile) {
  queries = b.offset(state, headOfTile, stateBytes());
  outputs = b.offset(queries, rowCount * products.queryBytes());
  maxima = b.offset(outputs, rowCount * p.cache.paddedDim() * 4);
  sums = b.offset(maxima, rowLanes * 4);
  coarseBelow = b.offset(sums, rowLanes * 4);
  Value kvHead = b.add(firstHead, headOfTile);
  head = b.mul(kvHead, p.group());
  cacheHead = b.offset(b.buffer("cache"), kvHead, p.cache.headBytes());
}

void AttentionTile::lookAhead(Value headOfTile, Value page, Value end, Value afterwards) {
  Value later = b.add(headOfTile, headsAhead);
  Value pages = b.mul(b.div(later, headCount), blockPages);
  soonPages = b.select(b.less(b.add(page, pages), end), pages, b.sub(afterwards, page));
  soonHead = b.offset(b.buffer("cache"), b.add(firstHead, b.rem(later, headCount)), p.cache.headBytes());
}

void AttentionTile::forHeads(llvm::function_ref<void(Value)> body) {
  b.loop(b.constant(0), headCount, 1, [&](Value headOfTile) {
    enterHead(headOfTile);
    body(headOfTile);
  });
}

void AttentionTile::begin(Value scratch, const Item &item) {
  state = scratch;
  weights = b.offset(state, mostHeads * stateBytes());
  scores = b.offset(weights, rowCount * products.weightBytes());
  token = item.firstToken;
  firstHead = item.firstHead;
  headCount = item.heads;
  pageList = item.pages;
  forHeads([&](Value) {
    for (int64_t row = 0; row < rowCount; ++row)
      products.packQuery(rowAddress("q", row), p.scale * scoreUnit, b.offset(queries, row * products.queryBytes()));
  });
}

Value AttentionTile::generate(const Part &part, llvm::function_ref<NextPart()> takeNext) {
  forHeads([&](Value) { clearState(); });
  lastPosition = position(tokens - 1);
  lastPage = b.div(lastPosition, p.cache.pageSize);
  Value seenFrom = b.constant(0), end = b.add(lastPage, 1);
  if (p.window) // the first position any row of the tile sees
    seenFrom = b.div(b.larger(b.add(position(0), 1 - p.window), b.constant(0)), p.cache.pageSize);
  auto pageOf = [&](Value block) { return b.add(seenFrom, b.mul(block, blockPages)); };
  Value begin = part.firstBlock ? pageOf(part.firstBlock) : seenFrom;
  if (part.lastBlock)
    end = b.smaller(end, pageOf(part.lastBlock));
  Values taken = b.loop(begin, end, blockPages, {b.constant(0)}, [&](Value page, llvm::ArrayRef<Value> carried) {
    Value behind = b.add(page, blockPages), blockEnd = b.smaller(behind, end);
    Values next = {carried[0], page};
    if (takeNext)
      next = b.when(
          b.less(behind, end), [&] { return next; },
          [&] {
            NextPart following = takeNext();
            return Values{following.number, pageOf(following.firstBlock)};
          });
    forHeads([&](Value headOfTile) {
      lookAhead(headOfTile, page, end, next[1]);
      scoreBlock(page, blockEnd);
      AttentionProducts::ValueScales scales = valueScales(page);
      inPieces(rowCount, pieceRows, [&](Value row, int64_t rows) { weighPiece(page, blockEnd, row, rows, scales); });
    });
    return Values{next[0]};
  });
  forHeads([&](Value) {
    if (!part.firstBlock)
      return storeRows();
    b.when(part.alone, [&] { storeRows(); });
    b.when(b.equal(part.alone, b.zero(part.alone.getType())), [&] { storePartial(part.partial); });
  });
  return takeNext ? taken[0] : Value();
}

void AttentionTile::clearState() {
  Value zeros = b.real(0, lanes);
  b.loop(b.constant(0), b.constant(rowCount * valueVectors), 1,
         [&](Value i) { b.store(zeros, b.offset(outputs, i, lanes * 4)); });
  for (int64_t first = 0; first < rowLanes; first += lanes) {
    b.store(b.real(lowestMaximum, lanes), b.offset(maxima, first * 4));
    b.store(b.real(lowestMaximum, lanes), b.offset(coarseBelow, first * 4));
    b.store(zeros, b.offset(sums, first * 4));
  }
}

Value AttentionTile::position(int64_t tokenOfTile) {
  return b.toI64(b.load(b.offset(b.offset(b.buffer("positions"), token, 4), tokenOfTile * 4), b.i32()));
}

Value AttentionTile::rowAddress(const char *operand, int64_t row) {
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
        b.store(masked(capped(score[i], b.add(first, i / columns)), i / columns, i % columns),
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

Value AttentionTile::capped(Value score, Value row) {
  if (!p.softcap)
    return score;
  if (products.multipliesBytes()) {
    Value packed = b.offset(queries, row, products.queryBytes());
    score = b.mulf(score, b.broadcast(products.queryScale(packed), lanes));
  }
  return softcap(b, score, p.softcap * scoreUnit);
}

Value AttentionTile::masked(Value score, Value tokenOfTile, Value first) {
  Value own = b.toI64(b.load(b.offset(b.buffer("positions"), b.add(token, tokenOfTile), 4), b.i32()));
  Value visible = b.tailMask(b.add(b.sub(own, first), 1), lanes);
  Value result = b.select(visible, score, b.real(maskedScore, lanes));
  if (p.window) {
    Value before = b.tailMask(b.add(b.sub(own, first), 1 - p.window), lanes);
    result = b.select(before, b.real(maskedScore, lanes), result);
  }
  return result;
}

AttentionProducts::ValueScales AttentionTile::valueScales(Value page) {
  return products.valueScales([&](int64_t i) { return pageBlock(b.add(page, i)); },
                              [&](int64_t i, int64_t v) {
                                Value first = b.add(b.mul(b.add(page, i), p.cache.pageSize), v * lanes);
                                return b.tailMask(b.add(b.sub(lastPosition, first), 1), lanes);
                              });
}

AttentionTile::Piece AttentionTile::loadPiece(Value row, int64_t rows) {
  Piece piece{row, rows, {}, {}, {}, {}};
  int64_t vectors = blockPages * positionVectors;
  for (int64_t r = 0; r < rows; ++r) {
    Value line = b.offset(b.offset(scores, row, vectors * lanes * 4), r * vectors * lanes * 4);
    Values score;
    for (int64_t v = 0; v < vectors; ++v)
      score.push_back(b.load(b.offset(line, v * lanes * 4), b.f32(lanes)));
    piece.scores.push_back(score);
    for (int64_t step = 1; step < vectors; step *= 2)
      for (int64_t i = 0; i + step < vectors; i += 2 * step)
        score[i] = b.maxf(score[i], score[i + step]);
    Value largest = b.reduceMax(score[0]);
    if (products.multipliesBytes()) {
      Value packed = b.offset(b.offset(queries, row, products.queryBytes()), r * products.queryBytes());
      piece.queryScales.push_back(p.softcap ? b.real(1) : products.queryScale(packed));
      largest = b.mulf(largest, piece.queryScales.back());
      Value matters = b.lessf(b.load(b.offset(b.offset(coarseBelow, row, 4), r * 4), b.f32()), largest);
      piece.fine = piece.fine ? b.bitOr(piece.fine, matters) : matters;
    }
    piece.largest.push_back(b.maxf(b.real(lowestMaximum), largest));
  }
  return piece;
}

// Weights of bytes are relative to the block's largest score, others to the largest of all: in small integers what is
// small beside an earlier block would be nothing.
Values AttentionTile::storeWeights(Value page, const Piece &piece, const AttentionProducts::WeightUnit &unit) {
  Values soon, sums;
  for (int64_t i = 0; softmaxLines && i < blockPages; ++i)
    soon.push_back(b.offset(b.offset(soonNeeded(b.add(page, i)), p.cache.keyBytes()), piece.row, softmaxLines * 64));
  for (int64_t r = 0; r < piece.rows; ++r) {
    for (Value values : soon)
      for (int64_t i = 0; i < softmaxLines; ++i)
        b.prefetch(b.offset(values, (r * softmaxLines + i) * 64), /*level=*/2);
    Value base = piece.largest[size_t(r)], sum;
    if (!products.multipliesBytes())
      base = b.maxf(b.load(b.offset(b.offset(maxima, piece.row, 4), r * 4), b.f32()), base);
    base = b.broadcast(base, lanes);
    Values weight = piece.scores[size_t(r)];
    for (Value &w : weight) {
      w = products.power(products.multipliesBytes()
                             ? b.fma(w, b.broadcast(piece.queryScales[size_t(r)], lanes), b.negf(base))
                             : b.subf(w, base));
      sum = sum ? b.addf(sum, w) : w;
    }
    products.storeWeights(weight, unit,
                          b.offset(b.offset(weights, piece.row, products.weightBytes()), r * products.weightBytes()));
    sums.push_back(b.reduceAdd(sum));
  }
  return sums;
}

void AttentionTile::weighPiece(Value page, Value end, Value row, int64_t rows,
                               const AttentionProducts::ValueScales &scales) {
  Piece piece = loadPiece(row, rows);
  AttentionProducts::WeightUnit unit = products.weightUnit(scales, piece.fine);
  Values sums = storeWeights(page, piece, unit);
  Raised raised = raise(row, piece.largest, sums);
  auto accumulate = [&](bool fine) -> Values {
    accumulatePiece(page, end, row, rows, fine, unit, raised);
    return {};
  };
  if (piece.fine)
    b.when(piece.fine, [&] { return accumulate(true); }, [&] { return accumulate(false); });
  else
    accumulate(false);
}

AttentionTile::Raised AttentionTile::raise(Value row, llvm::ArrayRef<Value> largest, llvm::ArrayRef<Value> blockSums) {
  auto together = [&](llvm::ArrayRef<Value> values) {
    Value vector = b.zero(b.f32(pieceRows));
    for (size_t i = 0; i < values.size(); ++i)
      vector = b.insert(values[i], vector, int64_t(i));
    return vector;
  };
  auto rows = [&](Value array) { return b.offset(array, row, 4); };
  Value before = b.load(rows(maxima), b.f32(pieceRows)), inBlock = together(largest);
  Value raises = b.lessf(before, inBlock), now = b.select(raises, inBlock, before);
  Value ratio = exp2OfNegative(b, b.negf(b.absf(b.subf(before, inBlock)))), one = b.real(1, pieceRows);
  Raised raised{b.select(raises, ratio, one), one};
  if (products.multipliesBytes())
    raised.factor = b.select(raises, one, ratio);
  Value sum = b.load(rows(sums), b.f32(pieceRows));
  sum = b.fma(sum, raised.correction, b.mulf(together(blockSums), raised.factor));
  b.store(now, rows(maxima));
  b.store(sum, rows(sums));
  if (products.multipliesBytes()) {
    // log2 of the sum, rounded down, is its exponent.
    Value exponent =
        b.add(b.shiftRight(b.bitcast(sum, b.i32(pieceRows)), 23), b.constant(coarseExponent - 127, b.i32(pieceRows)));
    b.store(b.addf(now, b.intToFloat(exponent)), rows(coarseBelow));
  }
  return raised;
}

void AttentionTile::accumulatePiece(Value page, Value end, Value row, int64_t rows, bool fine,
                                    const AttentionProducts::WeightUnit &unit, const Raised &raised) {
  int64_t accumulators = b.chip().vectorRegisters / 2 / (fine ? 2 : 1);
  int64_t vectorsAtOnce = std::min(valueVectors, accumulators / pieceRows);
  int64_t pieces = divideUp(valueVectors, vectorsAtOnce), rowPieces = divideUp(rowCount, pieceRows);
  int64_t softmaxShare = rowCount * softmaxLines;
  int64_t lines = divideUp(std::max<int64_t>(0, valueLines - softmaxShare), pieces * rowPieces);
  inPieces(valueVectors, vectorsAtOnce, [&](Value vector, int64_t vectors) {
    auto ofRow = [&](Value vector, int64_t i) { return b.broadcast(b.extract(vector, i), lanes); };
    Value piece = b.offset(b.offset(outputs, row, p.cache.paddedDim() * 4), vector, lanes * 4);
    auto place = [&](int64_t i) { return b.offset(piece, (i / vectors * valueVectors + i % vectors) * lanes * 4); };
    auto corrected = [&](int64_t i) {
      return b.mulf(b.load(place(i), b.f32(lanes)), ofRow(raised.correction, i / vectors));
    };
    Value number = b.add(b.mul(b.div(row, pieceRows), pieces), b.div(vector, vectorsAtOnce));
    auto soon = [&](Value current) {
      return b.offset(b.offset(soonNeeded(current), p.cache.keyBytes() + softmaxShare * 64), number, lines * 64);
    };
    Values done = products.accumulate(
        {b.offset(weights, row, products.weightBytes()), rows, b.mul(vector, lanes * p.cache.wordBytes()), vectors,
         page, end, fine},
        [&](Value current) { return pageBlock(current); }, {lines, soon}, corrected,
        [&](int64_t i) { return b.mulf(unit.perSum, ofRow(raised.factor, i)); });
    for (int64_t i = 0; i < rows * vectors; ++i)
      b.store(done[size_t(i)], place(i));
  });
}

void AttentionTile::storeRows() {
  for (int64_t row = 0; row < rowCount; ++row) {
    Value sum = b.load(b.offset(sums, row * 4), b.f32());
    Value inverse = b.broadcast(b.divf(b.real(1), sum), lanes);
    Value out = rowAddress("out", row);
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
  PartialLayout layout = PartialLayout::of(p);
  Value first = b.offset(partial, head, layout.rowBytes());
  for (int64_t row = 0; row < rowCount; ++row) {
    Value at = b.offset(first, row * layout.rowBytes());
    for (int64_t v = 0; v < valueVectors; ++v)
      b.store(b.load(b.offset(outputs, (row * valueVectors + v) * lanes * 4), b.f32(lanes)),
              b.offset(at, v * lanes * 4));
    b.store(b.load(b.offset(maxima, row * 4), b.f32()), b.offset(at, layout.maximumAt()));
    b.store(b.load(b.offset(sums, row * 4), b.f32()), b.offset(at, layout.sumAt()));
  }
}

} // namespace quipu::cpu
