#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionProducts.h"

namespace quipu::cpu {
namespace {

constexpr double largestQuery = 127;
constexpr double largestWeight = 65535;

constexpr int64_t queryBytesOf(int64_t dim) { return (dim + 63) / 64 * 64; } // of int8

} // namespace

AttentionProducts::AttentionProducts(KernelBuilder &b, const CacheLayout &cache, int64_t blockPages)
    : b(b), cache(cache), blockPages(blockPages), lanes(b.lanes()), arithmetic(Arithmetic::F32) {
  if (cache.element == CacheElement::BF16 && b.chip().hasBf16Dot)
    arithmetic = Arithmetic::Bf16Dot;
  if (cache.element == CacheElement::I8 && b.chip().hasVnni)
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
      if (bytes)
        sum = b.mulf(b.intToFloat(sum), b.broadcast(b.load(rowAt(r, tail), b.f32()), lanes));
      sum = b.mulf(sum, scale);
    }
  }
  return sums;
}

AttentionProducts::WeightScales AttentionProducts::weightScales(llvm::function_ref<Value(int64_t)> blockOf,
                                                                llvm::function_ref<Value(int64_t, int64_t)> visible) {
  WeightScales scales;
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
  if (arithmetic != Arithmetic::ByteDot)
    return scales;
  // Weights are at most 1, so none times its scale is above the largest scale.
  Value most = b.addf(b.reduceMax(largest), b.reduceAdd(isNumber));
  Value toWhole = b.broadcast(b.divf(b.real(largestWeight), most), lanes);
  scales.ofSum = b.broadcast(b.mulf(most, b.real(1 / largestWeight)), lanes);
  for (Value &scale : scales.ofPositions)
    scale = b.mulf(scale, toWhole);
  return scales;
}

void AttentionProducts::storeWeights(llvm::ArrayRef<Value> weights, const WeightScales &scales, Value stored) {
  for (int64_t i = 0; i < int64_t(weights.size()); ++i) {
    Value weight = scales.ofPositions.empty() ? weights[i] : b.mulf(weights[i], scales.ofPositions[i]);
    if (arithmetic == Arithmetic::F32) {
      b.store(weight, b.offset(stored, i * lanes * 4));
    } else if (arithmetic == Arithmetic::Bf16Dot) {
      b.store(b.roundToBf16(weight), b.offset(stored, i * lanes * 2), 2);
    } else {
      Value whole = b.floatToInt(weight);
      Value at = b.offset(stored, i * lanes);
      b.store(b.truncate(b.shiftRight(whole, 8), b.i8(lanes)), at, 1);
      b.store(b.truncate(whole, b.i8(lanes)), b.offset(at, blockPositions()), 1);
    }
  }
}

Values AttentionProducts::accumulate(Value weights, int64_t rows, Value column, int64_t vectors, Value first,
                                     Value last, llvm::function_ref<Value(Value page)> blockOf,
                                     llvm::function_ref<Value(Value page)> soonNeeded, const WeightScales &scales,
                                     llvm::ArrayRef<Value> sums) {
  bool bytes = arithmetic == Arithmetic::ByteDot;
  int64_t count = rows * vectors, groups = cache.pageSize / cache.group();
  int64_t inputBytes = arithmetic == Arithmetic::F32 ? 4 * cache.group() : 4;
  Values initial(sums.begin(), sums.end());
  if (bytes)
    initial.assign(size_t(2 * count), b.zero(b.i32(lanes)));
  Values result = b.loop(first, last, 1, initial, [&](Value page, llvm::ArrayRef<Value> carried) {
    Values acc(carried.begin(), carried.end());
    Value values = b.offset(b.offset(blockOf(page), cache.keyBytes()), column, 1);
    Value soon = soonNeeded ? b.offset(b.offset(soonNeeded(page), cache.keyBytes()), column, 1) : Value();
    Value pageWeights = b.offset(weights, b.sub(page, first), groups * inputBytes);
    for (int64_t group = 0; group < groups; ++group) {
      Values words;
      for (int64_t at = 0; soon && at < vectors * lanes * cache.wordBytes(); at += 64)
        b.prefetch(b.offset(soon, group * cache.paddedDim() * cache.wordBytes() + at), /*level=*/2);
      if (soon)
        b.memoryBarrier(); // prefetches of several groups at once would wait for each other
      for (int64_t v = 0; v < vectors; ++v)
        words.push_back(
            cache.loadWords(b, b.offset(values, (group * cache.paddedDim() + v * lanes) * cache.wordBytes())));
      for (int64_t part = 0; part < (arithmetic == Arithmetic::F32 ? cache.group() : 1); ++part) {
        Values value = words;
        if (arithmetic == Arithmetic::F32)
          for (Value &word : value)
            word = cache.part(b, word, part);
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t set = 0; set < weightParts(); ++set) {
            Value input = inputWord(
                b.offset(pageWeights, r * weightBytes() + set * blockPositions() + group * inputBytes + part * 4));
            for (int64_t v = 0; v < vectors; ++v) {
              Value &sum = acc[set * count + r * vectors + v];
              sum = bytes ? b.dotBytes(sum, input, value[v]) : dot(sum, value[v], input);
            }
          }
      }
    }
    return acc;
  });
  if (bytes)
    for (int64_t i = 0; i < count; ++i)
      result[i] = b.fma(b.intToFloat(b.add(b.shiftLeft(result[i], 8), result[count + i])), scales.ofSum, sums[i]);
  result.resize(size_t(count));
  return result;
}

} // namespace quipu::cpu
