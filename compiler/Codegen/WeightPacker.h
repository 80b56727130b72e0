// Gives the bytes of one weight as a target's kernels read it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quipu {

class WeightPacker {
public:
  virtual ~WeightPacker() = default;

  virtual uint64_t bytes() const = 0;
  // Bytes [begin, begin + count) into out. Both ends lie between granules of the layout (WeightExtent), so that threads
  // can share a weight.
  virtual void pack(uint64_t begin, std::byte *out, uint64_t count) const = 0;
};

} // namespace quipu
