// The two products of attention, query times keys and weights times values, over pages of the cache and in the
// arithmetic that the chip has for the cache's elements:
//
//   F32      any element: keys and values are widened, products are f32
//   Bf16Dot  bf16 with a dot product of pairs: queries and weights are rounded to bf16
//   ByteDot  int8 with a dot product of bytes: queries are rounded to int8, as the keys were; weights become integers
//            of eight bits or, where a block matters much, of 16, whose high and low byte are multiplied apart
//
// The caller goes over a block of positions: scores, softmax, weights, weighted values.
#pragma once

#include "compiler/Codegen/Cpu/Kernels/CacheLayout.h"

#include <functional>

namespace quipu::cpu {

class AttentionProducts {
public:
  AttentionProducts(KernelBuilder &b, const CacheLayout &cache, int64_t blockPages);

  int64_t blockPositions() const { return blockPages * cache.pageSize; }
  // Vectors of scores of a page.
  int64_t positionVectors() const { return cache.pageSize / lanes; }
  bool multipliesBytes() const { return arithmetic == Arithmetic::ByteDot; }
  // 2^x, to the bits that weights keep.
  Value power(Value x) const;

  // A query's row in scratch.
  int64_t queryBytes() const;
  void packQuery(Value query, double scale, Value packed);
  // What a packed query's scores are still to be multiplied with, where multipliesBytes().
  Value queryScale(Value packed) const;

  // Scores of `rows` packed queries with the pages whose blocks are given: [row][page][positionVectors()] f32. Blocks
  // that are soon needed (none: no prefetch) are asked for meanwhile.
  Values scores(Value queries, int64_t rows, llvm::ArrayRef<Value> blocks, llvm::ArrayRef<Value> soonNeeded);

  // What a value was divided by when it was stored, of a block's positions; int8 only, else none.
  struct ValueScales {
    Values ofPositions; // 0 where nothing is stored
    Value largest;      // of all
  };
  // `blockOf(page of the block)`; `visible(page of the block, vector)`: positions that hold something.
  ValueScales valueScales(llvm::function_ref<Value(int64_t)> blockOf,
                          llvm::function_ref<Value(int64_t, int64_t)> visible);
  // Weights as they are stored, and their sum with values as it comes, are multiples of something: where
  // multipliesBytes(), such that the largest product of weight and scale is 65535 or, not `fine`, 255.
  struct WeightUnit {
    Values perWeight; // of positions; empty: 1
    Value perSum;     // a vector; null: 1
  };
  WeightUnit weightUnit(const ValueScales &scales, Value fine);
  // A row's weights in scratch.
  int64_t weightBytes() const { return blockPositions() * 4; }
  // `weights`: f32 of the block's positions, at most 1.
  void storeWeights(llvm::ArrayRef<Value> weights, const WeightUnit &unit, Value stored);

  // What is asked for while a page is worked on: so many cache lines from an address on.
  struct SoonNeeded {
    int64_t lines = 0;
    std::function<Value(Value page)> first;
  };
  // sum(i) + weights times values, for i in [row][vector]: `rows` rows of stored weights, `vectors` vectors of features
  // from byte `column` of a group of positions on, pages first .. last - 1 of the block. Bytes: `unitOf(row)` is the
  // unit of the weights' sum; not `fine`: weights are below 256.
  struct Weighted {
    Value weights;
    int64_t rows;
    Value column;
    int64_t vectors;
    Value first, last;
    bool fine;
  };
  Values accumulate(const Weighted &piece, llvm::function_ref<Value(Value page)> blockOf, const SoonNeeded &soon,
                    llvm::function_ref<Value(int64_t)> sum, llvm::function_ref<Value(int64_t row)> unitOf);

private:
  enum class Arithmetic { F32, Bf16Dot, ByteDot };

  // acc [set][...] + words times the word of the row at `row` (queries, or weights), for both sets of ByteDot.
  Value dot(Value acc, Value words, Value input) const;
  Value inputWord(Value address) const;
  // Where a page of the block has its weights in a row of them, and a group of its positions from there on (ByteDot).
  Value weightsOf(Value row, Value page) const;
  int64_t packedWeightAt(int64_t group) const;

  KernelBuilder &b;
  const CacheLayout &cache;
  int64_t blockPages, lanes;
  Arithmetic arithmetic;
};

} // namespace quipu::cpu
