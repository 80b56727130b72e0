#include "runtime/Device/Simt/SharedMemory.h"

#include <cstring>
#include <sys/mman.h>
#include <utility>

namespace quipu::simt {

namespace {

constexpr uint64_t guardBytes = 256;
constexpr unsigned char guardByte = 0xa5, freshByte = 0xff;
constexpr uint64_t inaccessibleBytes = 1 << 20; // behind all of it, for what misses the guard bytes

} // namespace

Expected<SharedMemory> SharedMemory::allocate() {
  void *memory = ::mmap(nullptr, maximumBytes + inaccessibleBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return makeError("no memory for the shared memory of a block");
  SharedMemory shared;
  shared.start = static_cast<unsigned char *>(memory);
  if (::mprotect(shared.start + maximumBytes, inaccessibleBytes, PROT_NONE) != 0)
    return makeError("no guard behind the shared memory of a block");
  return shared;
}

SharedMemory::SharedMemory(SharedMemory &&other) noexcept { *this = std::move(other); }

SharedMemory &SharedMemory::operator=(SharedMemory &&other) noexcept {
  std::swap(start, other.start);
  std::swap(used, other.used);
  std::swap(parts, other.parts);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (start)
    ::munmap(start, maximumBytes + inaccessibleBytes);
}

void SharedMemory::addPart(const void *key, uint64_t bytes) {
  parts.push_back({key, used, bytes});
  std::memset(start + used, freshByte, bytes);
  std::memset(start + used + bytes, guardByte, guardBytes);
  used = (used + bytes + guardBytes + 127) / 128 * 128;
}

void SharedMemory::reset(uint64_t dynamicBytes) {
  parts.clear();
  used = 0;
  addPart(nullptr, dynamicBytes);
}

void *SharedMemory::variable(const void *key, uint64_t bytes) {
  for (const Part &part : parts)
    if (part.key == key)
      return start + part.offset;
  if (used + bytes + guardBytes > maximumBytes)
    return nullptr;
  addPart(key, bytes);
  return start + parts.back().offset;
}

std::string SharedMemory::damage() const {
  for (const Part &part : parts)
    for (uint64_t i = 0; i < guardBytes; ++i)
      if (start[part.offset + part.bytes + i] != guardByte)
        return fmt::format("wrote {} bytes behind {} bytes of {} shared memory", i, part.bytes,
                           part.key ? "a variable's" : "dynamic");
  return "";
}

} // namespace quipu::simt
