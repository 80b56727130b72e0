// Anonymous memory that starts at a huge page and asks the kernel for huge pages: on 4 KiB pages decode loses about a
// third of its bandwidth to address translation.
#pragma once

#include "runtime/Support/Error.h"

#include <cstddef>
#include <cstdint>

namespace quipu {

constexpr uint64_t hugePageBytes = uint64_t(2) << 20;

class HugeBlock {
public:
  // `bytes` is rounded up to huge pages. The memory reads as zeros and is there once it is touched.
  static Expected<HugeBlock> allocate(uint64_t bytes);

  HugeBlock() = default;
  HugeBlock(HugeBlock &&other) noexcept;
  HugeBlock &operator=(HugeBlock &&other) noexcept;
  HugeBlock(const HugeBlock &) = delete;
  HugeBlock &operator=(const HugeBlock &) = delete;
  ~HugeBlock();

  std::byte *data() const { return start; }
  uint64_t size() const { return length; }

private:
  std::byte *start = nullptr;
  uint64_t length = 0;
};

} // namespace quipu
