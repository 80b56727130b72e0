// How keys and values lie in a page of the CPU's KV cache, layout `keys_transposed` of runtime/Artifact/KvLayout.h. The
// block of a (page, KV head) is contiguous; blocks lie [page][head]. A group is as many elements as one dot-product
// instruction takes from a 32-bit word: 2 of bf16, 4 of int8; f32 and f16 stand alone.
//
//   keys    [dim / group][pageSize][group]         a vector: one group of features of consecutive positions
//   values  [pageSize / group][paddedDim][group]   a vector: consecutive features of one group of positions
//   int8    then f32 [pageSize], what a position's key was divided by, and as many for values
//
// Neither scores nor weighted sums need a sum across a vector. Scales are f32 and not f16: a head of small values
// (below 1e-5) keeps its seven bits, blocks stay whole cache lines, and at 64 features it is 3 % of the bytes.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "runtime/Support/Rounding.h"

namespace quipu::cpu {

enum class CacheElement { F32, F16, BF16, I8 };

struct CacheLayout {
  int64_t kvHeads = 0, dim = 0, pageSize = 16;
  CacheElement element = CacheElement::F32;

  int64_t elementBytes() const;
  int64_t group() const;
  int64_t wordBytes() const { return group() * elementBytes(); }
  int64_t keyGroups() const { return divideUp(dim, group()); }
  int64_t paddedDim() const { return (dim + 15) / 16 * 16; }
  int64_t keyBytes() const { return keyGroups() * pageSize * wordBytes(); }
  int64_t keyScalesAt() const { return keyBytes() + pageSize * paddedDim() * elementBytes(); }
  int64_t valueScalesAt() const { return keyScalesAt() + pageSize * 4; }
  int64_t headBytes() const { return keyScalesAt() + (element == CacheElement::I8 ? 2 * pageSize * 4 : 0); }
  int64_t pageBytes() const { return kvHeads * headBytes(); }

  // lanes() words as they lie.
  Value loadWords(KernelBuilder &b, Value address) const;
  // Element number `part` of each word, as f32; int8 without its scale.
  Value part(KernelBuilder &b, Value words, int64_t part) const;

  // Writes a key, or a value, of `dim` f32 to offset `position` of the block. `scratch` has scratchBytes().
  void storeKey(KernelBuilder &b, Value block, Value position, Value key, Value scratch) const;
  void storeValue(KernelBuilder &b, Value block, Value position, Value value, Value scratch) const;
  int64_t scratchBytes() const { return (dim + 64) * 4; }

private:
  void round(KernelBuilder &b, Value x, Value out, Value scaleAt) const;
};

// Reads `elem` and `page_size`; a page must fill whole vectors of every chip.
CacheLayout readCacheLayout(ParamReader &params, int64_t kvHeads, int64_t dim);

} // namespace quipu::cpu
