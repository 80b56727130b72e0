// A file that appears under its name only when it is complete: it is written beside the target under a temporary name
// and renamed at the end. Whatever goes wrong before that leaves nothing behind and an older file of that name as it
// was.
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
  std::string name;
  std::string temporary;
  int descriptor = -1;
};

} // namespace quipu
