// How keys and values of one head lie within a page of a KV cache. The blocks of a page's heads lie one behind the
// other, pages likewise.
//
//   keys_transposed   K [dim / g][page_size][g], then V [page_size / g][dim rounded up to 16][g]; g elements are what
//   one
//                     dot-product instruction takes from a 32-bit word: 4 of i8, 2 of bf16; f32 and f16 stand alone. A
//                     score is a broadcast times 16 positions, a weighted sum runs over dim, and neither sums across a
//                     vector (CPU)
//   rows              K [page_size][dim], then V [page_size][dim] (GPU)
//
// i8 (keys_transposed): an element is its signed byte times an f32 scale, one for each
// position's key and one for its value; the scales of a page's keys [page_size], then those of its values, end a block.
#pragma once

#include "runtime/Artifact/Program_generated.h"
#include "runtime/Support/Rounding.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace quipu {

struct KvLayout {
  uint64_t pageSize, dim;
  uint64_t elementBytes;
  uint64_t group;      // 0: rows
  uint64_t valueWidth; // elements of a position's value
  bool scaled;

  uint64_t keyElements() const { return group ? roundUp(dim, group) : dim; }
  uint64_t blockBytes() const {
    return pageSize * ((keyElements() + valueWidth) * elementBytes + (scaled ? 2 * sizeof(float) : 0));
  }
  // Bytes from the start of a block to element i of a position, and to the scales of a position.
  uint64_t key(uint64_t offset, uint64_t i) const {
    return elementBytes * (group ? (i / group * pageSize + offset) * group + i % group : offset * dim + i);
  }
  uint64_t value(uint64_t offset, uint64_t i) const {
    uint64_t element = group ? (offset / group * valueWidth + i) * group + offset % group : offset * valueWidth + i;
    return elementBytes * (pageSize * keyElements() + element);
  }
  uint64_t keyScale(uint64_t offset) const {
    return elementBytes * pageSize * (keyElements() + valueWidth) + offset * sizeof(float);
  }
  uint64_t valueScale(uint64_t offset) const { return keyScale(pageSize + offset); }
};

// Nothing for an unknown name, an element that is not stored so, or a page that is no whole groups. Sizes are below
// 2^31 each.
inline std::optional<KvLayout> findKvLayout(std::string_view name, fb::DType element, uint64_t pageSize, uint64_t dim) {
  bool wide = element == fb::DType::f32, half = element == fb::DType::f16 || element == fb::DType::bf16;
  if (name == "keys_transposed" && (wide || half || element == fb::DType::i8)) {
    uint64_t group = element == fb::DType::bf16 ? 2 : element == fb::DType::i8 ? 4 : 1;
    if (pageSize % group != 0)
      return std::nullopt;
    return KvLayout{pageSize, dim, wide ? 4u : half ? 2u : 1u, group, (dim + 15) / 16 * 16, element == fb::DType::i8};
  }
  if (name == "rows" && (wide || half))
    return KvLayout{pageSize, dim, wide ? 4u : 2u, 0, dim, false};
  return std::nullopt;
}

} // namespace quipu
