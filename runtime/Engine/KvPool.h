// The pages of the KV cache. A page number stands for the same page in the cache of every layer.
#pragma once

#include "runtime/Support/Rounding.h"

#include <cstdint>
#include <vector>

namespace quipu {

class KvPool {
public:
  KvPool(uint32_t pages, uint32_t pageSize);

  uint32_t freePages() const { return static_cast<uint32_t>(free.size()); }
  uint32_t pageCount() const { return pages; }
  uint32_t pageSize() const { return positions; }
  // Pages that hold this many positions.
  uint32_t pagesFor(uint64_t count) const { return static_cast<uint32_t>(divideUp(count, positions)); }

  // Takes pages, the lowest numbers that came back last; empty where there are not enough.
  std::vector<int32_t> take(uint32_t count);
  void giveBack(const std::vector<int32_t> &taken);

private:
  uint32_t pages;
  uint32_t positions;
  std::vector<int32_t> free; // the next one to take is last
};

} // namespace quipu
