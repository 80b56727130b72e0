// The two products of attention, query times keys and weights times values, over pages of the cache and in the
// arithmetic that the chip has for the cache's elements:
//
//   F32      any element: keys and values are widened, products are f32
//   Bf16Dot  bf16 with a dot product of pairs: queries and weights are rounded to bf16
//   ByteDot  int8 with a dot product of bytes: queries are rounded to int8, as the keys were; weights become integers
//   of
//            16 bits, of which the high and the low byte are multiplied by themselves, for small weights are many
//
// The caller goes over a block of positions: scores, softmax, weights, weighted values.
#pragma once

#include "compiler/Codegen/Cpu/Kernels/CacheLayout.h"

namespace quipu::cpu {

class AttentionProducts {
public:
  AttentionProducts(KernelBuilder &b, const CacheLayout &cache, int64_t blockPages);

  int64_t blockPositions() const { return blockPages * cache.pageSize; }
  // Vectors of scores of a page.
  int64_t positionVectors() const { return cache.pageSize / lanes; }
  // Accumulators for each vector of weighted values: ByteDot has high and low bytes of weights apart.
  int64_t weightParts() const { return arithmetic == Arithmetic::ByteDot ? 2 : 1; }

  // A query's row in scratch.
  int64_t queryBytes() const;
  void packQuery(Value query, double scale, Value packed);

  // Scores of `rows` packed queries with the pages whose blocks are given: [row][page][positionVectors()] f32. Blocks
  // that are soon needed (none: no prefetch) are asked for meanwhile.
  Values scores(Value queries, int64_t rows, llvm::ArrayRef<Value> blocks, llvm::ArrayRef<Value> soonNeeded);

  // What the weights of a block's positions are multiplied with before they are stored, and the values' sum after.
  struct WeightScales {
    Values ofPositions; // empty: 1
    Value ofSum;        // a vector; null: 1
  };
  // `blockOf(page of the block)`; `visible(page of the block, vector)`: positions that hold something.
  WeightScales weightScales(llvm::function_ref<Value(int64_t)> blockOf,
                            llvm::function_ref<Value(int64_t, int64_t)> visible);
  // A row's weights in scratch.
  int64_t weightBytes() const { return blockPositions() * 4; }
  // `weights`: f32 of the block's positions.
  void storeWeights(llvm::ArrayRef<Value> weights, const WeightScales &scales, Value stored);

  // sums [row][vector] + weights times values: `rows` rows of stored weights, `vectors` vectors of features from byte
  // `column` of a group of positions on, pages first .. last - 1 of the block. The block of
  // values that is `soonNeeded` after a page's (null: none) is asked for meanwhile.
  Values accumulate(Value weights, int64_t rows, Value column, int64_t vectors, Value first, Value last,
                    llvm::function_ref<Value(Value page)> blockOf, llvm::function_ref<Value(Value page)> soonNeeded,
                    const WeightScales &scales, llvm::ArrayRef<Value> sums);

private:
  enum class Arithmetic { F32, Bf16Dot, ByteDot };

  // acc [set][...] + words times the word of the row at `row` (queries, or weights), for both sets of ByteDot.
  Value dot(Value acc, Value words, Value input) const;
  Value inputWord(Value address) const;

  KernelBuilder &b;
  const CacheLayout &cache;
  int64_t blockPages, lanes;
  Arithmetic arithmetic;
};

} // namespace quipu::cpu
