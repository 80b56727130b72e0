// How keys and values lie in a page of the CPU's KV cache. The block of a (page, KV head) is contiguous: keys
// transposed, [dim][pageSize], then values, [pageSize][paddedDim]; blocks lie [page][head]. A vector of keys is one
// feature of consecutive positions, a vector of values consecutive features of one position: neither scores nor
// weighted sums need a horizontal reduction.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"

namespace quipu::cpu {

struct CacheLayout {
  int64_t kvHeads = 0, dim = 0, pageSize = 16;
  Storage element = Storage::F32;

  int64_t elementBytes() const { return element == Storage::F32 ? 4 : 2; }
  int64_t paddedDim() const { return (dim + 15) / 16 * 16; }
  int64_t keyBytes() const { return dim * pageSize * elementBytes(); }
  int64_t headBytes() const { return keyBytes() + pageSize * paddedDim() * elementBytes(); }
  int64_t pageBytes() const { return kvHeads * headBytes(); }

  // `lanes` consecutive elements as f32.
  Value load(KernelBuilder &b, Value address, int64_t lanes) const;
  // One element, or as many as `value` has lanes, from f32.
  void store(KernelBuilder &b, Value value, Value address, Value mask) const;
};

// Reads `elem` and `page_size`; a page must fill whole vectors of every chip.
CacheLayout readCacheLayout(ParamReader &params, int64_t kvHeads, int64_t dim);

} // namespace quipu::cpu
