// How keys and values of one head lie within a page of a KV cache. The blocks of a page's heads lie one behind the
// other, pages likewise.
//
//   keys_transposed   K [dim][page_size], then V [page_size][dim rounded up to 16]: a score is a broadcast times 16
//                     positions, a weighted sum runs over dim, and neither sums across a vector (CPU)
//   rows              K [page_size][dim], then V [page_size][dim] (GPU)
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace quipu {

struct KvLayout {
  uint64_t pageSize, dim;
  bool transposed;     // keys
  uint64_t valueWidth; // elements of a row of values

  uint64_t blockElements() const { return pageSize * (dim + valueWidth); }
  // Where element i of a position lies in its block.
  uint64_t key(uint64_t offset, uint64_t i) const { return transposed ? i * pageSize + offset : offset * dim + i; }
  uint64_t value(uint64_t offset, uint64_t i) const { return pageSize * dim + offset * valueWidth + i; }
};

// Nothing for an unknown name. Sizes are below 2^31 each.
inline std::optional<KvLayout> findKvLayout(std::string_view name, uint64_t pageSize, uint64_t dim) {
  if (name == "keys_transposed")
    return KvLayout{pageSize, dim, true, (dim + 15) / 16 * 16};
  if (name == "rows")
    return KvLayout{pageSize, dim, false, dim};
  return std::nullopt;
}

} // namespace quipu
