// A file mapped read-only into memory, so that a checkpoint or an artifact of many gigabytes is never copied whole.
#pragma once

#include "runtime/Support/Error.h"

#include <cstddef>
#include <string>

namespace quipu {

class MappedFile {
public:
  // Maps the whole of a regular file; an empty file has data() == nullptr and size() == 0. A file that another process
  // cuts short while it is mapped raises SIGBUS on access: the kernel offers no way around it but a copy.
  static Expected<MappedFile> open(const std::string &path);

  MappedFile() = default;
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();

  const std::byte *data() const { return start; }
  size_t size() const { return length; } // bytes
  const std::string &path() const { return name; }

private:
  std::string name;
  const std::byte *start = nullptr;
  size_t length = 0;
};

} // namespace quipu
