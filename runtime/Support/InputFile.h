// A file read by offset. Unlike a mapping it cannot raise SIGBUS when the file is cut, and what is read counts only
// once in the memory of the process.
#pragma once

#include "runtime/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace quipu {

class InputFile {
public:
  // Opens a regular file.
  static Expected<InputFile> open(const std::string &path);

  InputFile() = default;
  InputFile(InputFile &&other) noexcept;
  InputFile &operator=(InputFile &&other) noexcept;
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;
  ~InputFile();

  // Reads exactly this range; threads may read at the same time.
  Expected<void> readAt(uint64_t offset, void *to, size_t bytes) const;

  // Puts a private mapping of this range where `to` is, which replaces what was mapped there. Both ends of the memory
  // and the offset are multiples of the page size, but for the end of the file. While it is there, a cut of the file
  // raises SIGBUS.
  Expected<void> mapAt(uint64_t offset, void *to, size_t bytes) const;

  uint64_t size() const { return length; } // bytes, when it was opened
  const std::string &path() const { return name; }

private:
  std::string name;
  int descriptor = -1;
  uint64_t length = 0;
};

} // namespace quipu
