// The shared memory of one block. It is filled with bytes that read as NaN in every floating-point type, and every
// part of it ends in guard bytes.
#pragma once

#include "runtime/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quipu::simt {

class SharedMemory {
public:
  static constexpr uint64_t maximumBytes = 512 << 10; // more than any chip has

  static Expected<SharedMemory> allocate();
  SharedMemory() = default;
  SharedMemory(SharedMemory &&other) noexcept;
  SharedMemory &operator=(SharedMemory &&other) noexcept;
  ~SharedMemory();

  // For a new block, with that much dynamic memory.
  void reset(uint64_t dynamicBytes);
  unsigned char *dynamic() const { return start; }
  // Null where there is no room.
  void *variable(const void *key, uint64_t bytes);
  // Empty, or what was written to that is nobody's.
  std::string damage() const;

private:
  struct Part {
    const void *key; // null: the dynamic part
    uint64_t offset, bytes;
  };
  void addPart(const void *key, uint64_t bytes);

  unsigned char *start = nullptr;
  uint64_t used = 0;
  std::vector<Part> parts;
};

} // namespace quipu::simt
