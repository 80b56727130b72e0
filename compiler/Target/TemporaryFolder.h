// A folder for the files that a linker or a compiler reads and writes, gone with the object, or with the program when a
// signal ends it.
#pragma once

#include "runtime/Support/Error.h"

#include <string>

namespace quipu {

class TemporaryFolder {
public:
  // In $TMPDIR, else /tmp.
  static Expected<TemporaryFolder> create();

  TemporaryFolder(TemporaryFolder &&other) noexcept;
  TemporaryFolder &operator=(TemporaryFolder &&other) = delete;
  ~TemporaryFolder();

  const std::string &path() const { return folder; }
  std::string path(const std::string &name) const;

  Expected<> write(const std::string &name, const std::string &bytes) const;
  Expected<std::string> read(const std::string &name) const;

private:
  explicit TemporaryFolder(std::string path);

  std::string folder;
  size_t onSignal; // of FoldersOnSignal.h
};

} // namespace quipu
