// A file that appears under its name only when it is complete. Until then it has no name, or where the file system does
// not know files without one, a temporary name beside the target. Whatever goes wrong leaves nothing behind and an
// older file of that name as it was; a file without a name is gone even when the process is killed.
#pragma once

#include "runtime/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace quipu {

class OutputFile {
public:
  static Expected<OutputFile> create(const std::string &path);

  OutputFile() = default;
  OutputFile(OutputFile &&other) noexcept;
  OutputFile &operator=(OutputFile &&other) noexcept;
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  ~OutputFile(); // removes the temporary file unless commit() succeeded

  // Writes at an offset from the start; threads may write disjoint ranges at the same time.
  Expected<void> writeAt(uint64_t offset, const void *data, size_t bytes);
  // Sets the file's size; what was not written reads as zeros.
  Expected<void> resize(uint64_t bytes);
  // Gives the file its name, replacing what had it.
  Expected<void> commit();

  const std::string &path() const { return name; }

private:
  Expected<void> giveTemporaryName();

  std::string name;
  std::string temporary; // empty while the file has no name
  int descriptor = -1;
};

} // namespace quipu
