#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionProducts.h"

#include "compiler/Codegen/Cpu/VectorMath.h"

namespace quipu::cpu {
namespace {

constexpr double largestQuery = 127;
constexpr double largestWeight = 65535, largestCoarseWeight = 255;

constexpr int64_t packedVectors = 4; // of positions, whose weights as bytes fill one vector

constexpr int64_t queryBytesOf(int64_t dim) { return (dim + 63) / 64 * 64; } // of int8

} // namespace

AttentionProducts::AttentionProducts(KernelBuilder &b, const CacheLayout &cache, int64_t blockPages)
    : b(b), cache(cache), blockPages(blockPages), lanes(b.lanes()), arithmetic(Arithmetic::F32) {
  if (cache.element == CacheElement::BF16 && b.chip().hasBf16Dot)
    arithmetic = Arithmetic::Bf16Dot;
  // Weights are packed by four vectors, of which a page is a part or has several.
  bool packs = packedVectors % positionVectors() == 0 || positionVectors() % packedVectors == 0;
  if (cache.element == CacheElement::I8 && b.chip().hasVnni && packs)
    arithmetic = Arithmetic::ByteDot;
}

// F32: [dim] rounded up to 64. Bf16Dot: as many bf16. ByteDot: as many int8, then f32 scale, i32 -128 * their sum.
int64_t AttentionProducts::queryBytes() const {
  int64_t elements = queryBytesOf(cache.dim);
  return arithmetic == Arithmetic::F32       ? 4 * elements
         : arithmetic == Arithmetic::Bf16Dot ? 2 * elements
                                             : elements + 64;
}

void AttentionProducts::packQuery(Value query, double scale, Value packed) {
  int64_t padded = queryBytesOf(cache.dim);
  auto columns = [&](llvm::ArrayRef<Value> initial,
                     llvm::function_ref<Values(Value column, Value x, llvm::ArrayRef<Value>)> body) {
    return b.loop(b.constant(0), b.constant(padded), lanes, initial, [&](Value column, llvm::ArrayRef<Value> carried) {
      Value present = b.tailMask(b.sub(b.constant(cache.dim), column), lanes);
      Value x = b.loadOr0(b.offset(query, column, 4), b.f32(lanes), present);
      return body(column, b.mulf(x, b.real(scale, lanes)), carried);
    });
  };
  if (arithmetic != Arithmetic::ByteDot) {
    columns({}, [&](Value column, Value x, llvm::ArrayRef<Value>) -> Values {
      if (arithmetic == Arithmetic::F32)
        b.store(x, b.offset(packed, column, 4));
      else
        b.store(b.roundToBf16(x), b.offset(packed, column, 2), 2);
      return {};
    });
    return;
  }
  // What is no number gets into the scale, and from there into the scores.
  Value zero = b.real(0, lanes);
  Values found = columns({zero, zero}, [&](Value, Value x, llvm::ArrayRef<Value> carried) {
    return Values{b.maxf(b.absf(x), carried[0]), b.fma(x, zero, carried[1])};
  });
  Value largest = b.maxf(b.real(1e-30), b.reduceMax(found[0]));
  Value inverse = b.broadcast(b.divf(b.real(largestQuery), largest), lanes);
  Value isNumber = b.broadcast(b.lessf(b.reduceAdd(found[1]), b.real(1)), lanes);
  Values sums = columns({b.zero(b.i32(lanes))}, [&](Value column, Value x, llvm::ArrayRef<Value> sum) {
    Value whole = b.floatToInt(b.mulf(b.select(isNumber, x, zero), inverse));
    b.store(b.truncate(whole, b.i8(lanes)), b.offset(packed, column, 1), 1);
    return Values{b.add(sum[0], whole)};
  });
  Value tail = b.offset(packed, padded);
  b.store(b.addf(b.mulf(largest, b.real(1 / largestQuery)), b.reduceAdd(found[1])), tail);
  b.store(b.mul(b.reduceAdd(sums[0]), -128), b.offset(tail, 4));
}

Value AttentionProducts::queryScale(Value packed) const {
  return b.load(b.offset(packed, queryBytesOf(cache.dim)), b.f32());
}

Value AttentionProducts::power(Value x) const {
  return arithmetic == Arithmetic::F32 ? exp2OfNegative(b, x) : exp2OfNegativeRough(b, x);
}

Value AttentionProducts::inputWord(Value address) const {
  return b.broadcast(b.load(address, arithmetic == Arithmetic::F32 ? b.f32() : b.i32()), lanes);
}

// Bf16Dot, and F32 where `words` is widened already.
Value AttentionProducts::dot(Value acc, Value words, Value input) const {
  if (arithmetic == Arithmetic::F32)
    return b.fma(input, words, acc);
  mlir::Type pairs = mlir::VectorType::get({2 * lanes}, b.ops().getBF16Type());
  return b.intrinsic("llvm.x86.avx512bf16.dpbf16ps.512", b.f32(lanes),
                     {acc, b.bitcast(words, pairs), b.bitcast(input, pairs)});
}

Values AttentionProducts::scores(Value queries, int64_t rows, llvm::ArrayRef<Value> blocks,
                                 llvm::ArrayRef<Value> soonNeeded) {
  bool bytes = arithmetic == Arithmetic::ByteDot;
  int64_t vectors = positionVectors(), columns = int64_t(blocks.size()) * vectors, count = rows * columns;
  int64_t tail = queryBytesOf(cache.dim);
  auto rowAt = [&](int64_t row, int64_t at) { return b.offset(queries, row * queryBytes() + at); };

  Values sums;
  for (int64_t i = 0; i < count; ++i)
    sums.push_back(bytes ? b.broadcast(b.load(rowAt(i / columns, tail + 4), b.i32()), lanes) : b.real(0, lanes));
  int64_t inputBytes = arithmetic == Arithmetic::F32 ? 4 * cache.group() : 4; // of a row, for a group
  int64_t groupBytes = cache.pageSize * cache.wordBytes(), vectorBytes = lanes * cache.wordBytes();
  auto step = [&](Value group, llvm::MutableArrayRef<Value> acc) {
    Value inputs = b.offset(queries, group, inputBytes);
    Values words;
    for (int64_t column = 0; column < columns; ++column) {
      Value word = cache.loadWords(
          b, b.offset(b.offset(blocks[column / vectors], group, groupBytes), column % vectors * vectorBytes));
      words.push_back(bytes ? b.bitXor(word, b.constant(int32_t(0x80808080u), word.getType())) : word);
    }
    for (Value block : soonNeeded)
      for (int64_t line = 0; line < groupBytes; line += 64)
        b.prefetch(b.offset(b.offset(block, group, groupBytes), line), /*level=*/2);
    if (!soonNeeded.empty())
      b.memoryBarrier();
    for (int64_t part = 0; part < (arithmetic == Arithmetic::F32 ? cache.group() : 1); ++part) {
      Values row = words;
      if (arithmetic == Arithmetic::F32)
        for (Value &word : row)
          word = cache.part(b, word, part);
      for (int64_t r = 0; r < rows; ++r) {
        Value input = inputWord(b.offset(inputs, r * queryBytes() + part * 4));
        for (int64_t c = 0; c < columns; ++c) {
          Value &sum = acc[r * columns + c];
          sum = bytes ? b.dotBytes(sum, row[c], input) : dot(sum, row[c], input);
        }
      }
    }
  };
  for (Value block : soonNeeded)
    for (int64_t scales = cache.keyScalesAt(); scales < cache.headBytes(); scales += 64)
      b.prefetch(b.offset(block, scales), /*level=*/2);
  int64_t unroll = 4, whole = cache.keyGroups() / unroll * unroll;
  sums = b.loop(b.constant(0), b.constant(whole), unroll, sums, [&](Value group, llvm::ArrayRef<Value> carried) {
    Values next(carried.begin(), carried.end());
    for (int64_t u = 0; u < unroll; ++u)
      step(b.add(group, u), next);
    return next;
  });
  for (int64_t group = whole; group < cache.keyGroups(); ++group)
    step(b.constant(group), sums);
  if (cache.element != CacheElement::I8)
    return sums;
  for (int64_t c = 0; c < columns; ++c) {
    Value scale = b.load(b.offset(blocks[c / vectors], cache.keyScalesAt() + c % vectors * lanes * 4), b.f32(lanes));
    for (int64_t r = 0; r < rows; ++r) {
      Value &sum = sums[r * columns + c];
      sum = b.mulf(bytes ? b.intToFloat(sum) : sum, scale);
    }
  }
  return sums;
}

AttentionProducts::ValueScales AttentionProducts::valueScales(llvm::function_ref<Value(int64_t)> blockOf,
                                                              llvm::function_ref<Value(int64_t, int64_t)> visible) {
  ValueScales scales;
  if (cache.element != CacheElement::I8)
    return scales;
  Value largest = b.real(1e-30, lanes), isNumber = b.real(0, lanes); // NaN where a scale is none
  for (int64_t page = 0; page < blockPages; ++page)
    for (int64_t v = 0; v < positionVectors(); ++v) {
      Value scale = b.load(b.offset(blockOf(page), cache.valueScalesAt() + v * lanes * 4), b.f32(lanes));
      scales.ofPositions.push_back(b.select(visible(page, v), scale, b.real(0, lanes)));
      largest = b.maxf(scales.ofPositions.back(), largest);
      isNumber = b.fma(scales.ofPositions.back(), b.real(0, lanes), isNumber);
    }
  if (arithmetic == Arithmetic::ByteDot)
    scales.largest = b.addf(b.reduceMax(largest), b.reduceAdd(isNumber));
  return scales;
}

AttentionProducts::WeightUnit AttentionProducts::weightUnit(const ValueScales &scales, Value fine) {
  WeightUnit unit{scales.ofPositions, {}};
  if (arithmetic != Arithmetic::ByteDot)
    return unit;
  // Weights are at most 1, so none times its scale is above the largest scale.
  Value most = b.select(fine, b.real(largestWeight), b.real(largestCoarseWeight));
  Value toWhole = b.broadcast(b.divf(most, scales.largest), lanes);
  unit.perSum = b.broadcast(b.divf(scales.largest, most), lanes);
  for (Value &scale : unit.perWeight)
    scale = b.mulf(scale, toWhole);
  return unit;
}

// Bytes: four vectors of positions become one, first of high bytes, then (blockPositions() on) of low ones. Packing
// goes by quarters of vectors, so the words of four positions lie [quarter][vector].
void AttentionProducts::storeWeights(llvm::ArrayRef<Value> weights, const WeightUnit &unit, Value stored) {
  Values whole;
  for (int64_t i = 0; i < int64_t(weights.size()); ++i) {
    Value weight = unit.perWeight.empty() ? weights[i] : b.mulf(weights[i], unit.perWeight[i]);
    if (arithmetic == Arithmetic::F32)
      b.store(weight, b.offset(stored, i * lanes * 4));
    else if (arithmetic == Arithmetic::Bf16Dot)
      b.store(b.roundToBf16(weight), b.offset(stored, i * lanes * 2), 2);
    else
      whole.push_back(b.floatToInt(weight));
  }
  mlir::Type halves = b.i16(2 * lanes), bytes = b.i8(4 * lanes);
  auto pack = [&](Value first, Value second) {
    return b.intrinsic("llvm.x86.avx512.packuswb.512", bytes, {first, second});
  };
  for (size_t i = 0; i < whole.size(); i += packedVectors) {
    Value pairs[2];
    for (size_t j = 0; j < 2; ++j)
      pairs[j] = b.intrinsic("llvm.x86.avx512.packusdw.512", halves, {whole[i + 2 * j], whole[i + 2 * j + 1]});
    Value at = b.offset(stored, int64_t(i) * lanes), low = b.constant(255, halves);
    b.store(pack(b.shiftRight(pairs[0], 8), b.shiftRight(pairs[1], 8)), at, 1);
    b.store(pack(b.bitAnd(pairs[0], low), b.bitAnd(pairs[1], low)), b.offset(at, blockPositions()), 1);
  }
}

Values AttentionProducts::accumulate(const Weighted &piece, llvm::function_ref<Value(Value page)> blockOf,
                                     const SoonNeeded &soon, llvm::function_ref<Value(int64_t)> sum,
                                     llvm::function_ref<Value(int64_t row)> unitOf) {
  bool bytes = arithmetic == Arithmetic::ByteDot;
  int64_t vectors = piece.vectors, count = piece.rows * vectors, groups = cache.pageSize / cache.group();
  int64_t inputBytes = arithmetic == Arithmetic::F32 ? 4 * cache.group() : 4;
  int64_t parts = bytes && piece.fine ? 2 : 1; // low bytes of weights, then high ones
  Values initial;
  for (int64_t i = 0; i < parts * count; ++i)
    initial.push_back(bytes ? b.zero(b.i32(lanes)) : sum(i));
  Values result = b.loop(piece.first, piece.last, 1, initial, [&](Value page, llvm::ArrayRef<Value> carried) {
    Values acc(carried.begin(), carried.end());
    Value values = b.offset(b.offset(blockOf(page), cache.keyBytes()), piece.column, 1);
    Value asked = soon.lines ? soon.first(page) : Value();
    Value pageWeights = weightsOf(piece.weights, b.sub(page, piece.first));
    for (int64_t group = 0; group < groups; ++group) {
      Values words;
      for (int64_t line = soon.lines * group / groups; line < soon.lines * (group + 1) / groups; ++line)
        b.prefetch(b.offset(asked, line * 64), /*level=*/2);
      if (soon.lines)
        b.memoryBarrier(); // prefetches of several groups at once would wait for each other
      for (int64_t v = 0; v < vectors; ++v)
        words.push_back(
            cache.loadWords(b, b.offset(values, (group * cache.paddedDim() + v * lanes) * cache.wordBytes())));
      for (int64_t part = 0; part < (arithmetic == Arithmetic::F32 ? cache.group() : 1); ++part) {
        Values value = words;
        if (arithmetic == Arithmetic::F32)
          for (Value &word : value)
            word = cache.part(b, word, part);
        for (int64_t r = 0; r < piece.rows; ++r)
          for (int64_t set = 0; set < parts; ++set) {
            int64_t first = r * weightBytes() + (bytes && set == 0 ? blockPositions() : 0);
            int64_t at = bytes ? packedWeightAt(group) : group * inputBytes + part * 4;
            Value input = inputWord(b.offset(pageWeights, first + at));
            for (int64_t v = 0; v < vectors; ++v) {
              Value &total = acc[set * count + r * vectors + v];
              total = bytes ? b.dotBytes(total, input, value[v]) : dot(total, value[v], input);
            }
          }
      }
    }
    return acc;
  });
  if (bytes)
    for (int64_t i = 0; i < count; ++i) {
      Value whole = parts == 2 ? b.add(b.shiftLeft(result[count + i], 8), result[i]) : result[i];
      result[i] = b.fma(b.intToFloat(whole), unitOf(i / vectors), sum(i));
    }
  result.resize(size_t(count));
  return result;
}

Value AttentionProducts::weightsOf(Value row, Value page) const {
  if (arithmetic != Arithmetic::ByteDot)
    return b.offset(row, page, cache.pageSize * (arithmetic == Arithmetic::F32 ? 4 : 2));
  int64_t pages = packedVectors / positionVectors(); // of four vectors; 0: a page has more
  if (pages == 0)
    return b.offset(row, page, cache.pageSize);
  Value within = b.offset(row, b.rem(page, pages), positionVectors() * 4);
  return pages >= blockPages ? within : b.offset(within, b.div(page, pages), packedVectors * lanes);
}

int64_t AttentionProducts::packedWeightAt(int64_t group) const {
  int64_t quarters = 4, vector = group / quarters; // of words of a vector of positions: one group each
  return vector / packedVectors * packedVectors * lanes +
         (group % quarters * packedVectors + vector % packedVectors) * 4;
}

} // namespace quipu::cpu
