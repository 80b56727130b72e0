#include "runtime/Support/OutputFile.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace quipu {

Expected<OutputFile> OutputFile::create(const std::string &path) {
  struct stat status;
  // Renaming over a device or a folder would replace it or fail late.
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return makeError("{}: cannot be written: it exists and is not a regular file", path);
  OutputFile file;
  file.name = path;
  std::string pattern = path + ".XXXXXX";
  file.descriptor = ::mkstemp(pattern.data());
  if (file.descriptor < 0)
    return makeError("{}: cannot be written: {}", path, std::strerror(errno));
  file.temporary = pattern;
  // mkstemp gives 0600; a new file gets what the process' umask leaves.
  mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(file.descriptor, 0666 & ~mask);
  return file;
}

OutputFile::OutputFile(OutputFile &&other) noexcept { *this = std::move(other); }

OutputFile &OutputFile::operator=(OutputFile &&other) noexcept {
  std::swap(name, other.name);
  std::swap(temporary, other.temporary);
  std::swap(descriptor, other.descriptor);
  return *this;
}

OutputFile::~OutputFile() {
  if (descriptor >= 0)
    ::close(descriptor);
  if (!temporary.empty())
    ::unlink(temporary.c_str());
}

Expected<void> OutputFile::writeAt(uint64_t offset, const void *data, size_t bytes) {
  auto *from = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t written = ::pwrite(descriptor, from, bytes, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return makeError("{}: cannot be written: {}", name, std::strerror(written < 0 ? errno : ENOSPC));
    from += written;
    offset += static_cast<uint64_t>(written);
    bytes -= static_cast<size_t>(written);
  }
  return {};
}

Expected<void> OutputFile::resize(uint64_t bytes) {
  if (::ftruncate(descriptor, static_cast<off_t>(bytes)) != 0)
    return makeError("{}: cannot be written: {}", name, std::strerror(errno));
  return {};
}

Expected<void> OutputFile::commit() {
  int result = ::close(descriptor);
  descriptor = -1;
  if (result != 0 || std::rename(temporary.c_str(), name.c_str()) != 0)
    return makeError("{}: cannot be written: {}", name, std::strerror(errno));
  temporary.clear();
  return {};
}

} // namespace quipu
