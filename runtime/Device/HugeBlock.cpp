#include "runtime/Device/HugeBlock.h"

#include "runtime/Support/Rounding.h"

#include <sys/mman.h>
#include <utility>

namespace quipu {

Expected<HugeBlock> HugeBlock::allocate(uint64_t bytes) {
  uint64_t length = roundUp(bytes, hugePageBytes);
  uint64_t mapped = length + hugePageBytes;
  void *address = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED)
    return makeError("{} MiB of memory cannot be had; lower max sequences or max context", length >> 20);
  // Give back what lies before the first huge page and behind the last.
  auto from = reinterpret_cast<uintptr_t>(address);
  uintptr_t aligned = roundUp(from, hugePageBytes);
  if (aligned > from)
    ::munmap(address, aligned - from);
  if (uintptr_t behind = from + mapped - (aligned + length); behind > 0)
    ::munmap(reinterpret_cast<void *>(aligned + length), behind);
  HugeBlock block;
  block.start = reinterpret_cast<std::byte *>(aligned);
  block.length = length;
  // A kernel without huge pages runs the same, slower.
  ::madvise(block.start, length, MADV_HUGEPAGE);
  return block;
}

HugeBlock::HugeBlock(HugeBlock &&other) noexcept { *this = std::move(other); }

HugeBlock &HugeBlock::operator=(HugeBlock &&other) noexcept {
  std::swap(start, other.start);
  std::swap(length, other.length);
  return *this;
}

HugeBlock::~HugeBlock() {
  if (start)
    ::munmap(start, length);
}

} // namespace quipu
