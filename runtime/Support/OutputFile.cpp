#include "runtime/Support/OutputFile.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace quipu {

namespace {

// Beside the target: a file can only be renamed within one file system.
std::string temporaryName(const std::string &path, unsigned attempt) {
  return fmt::format("{}.{}-{}", path, ::getpid(), attempt);
}

} // namespace

Expected<OutputFile> OutputFile::create(const std::string &path) {
  struct stat status;
  // Renaming over a device or a folder would replace it or fail late.
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return makeError("{}: cannot be written: it exists and is not a regular file", path);
  OutputFile file;
  file.name = path;
  std::string folder = path.substr(0, path.find_last_of('/') + 1);
  file.descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (file.descriptor >= 0)
    return file;
  file.temporary = temporaryName(path, 0);
  file.descriptor = ::open(file.temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (file.descriptor < 0) {
    file.temporary.clear();
    return makeError("{}: cannot be written: {}", path, std::strerror(errno));
  }
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

// A file can only be linked to a name that is free, so it takes a temporary one on its way to a name that is not.
Expected<void> OutputFile::giveTemporaryName() {
  std::string self = fmt::format("/proc/self/fd/{}", descriptor);
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    std::string candidate = temporaryName(name, attempt);
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, candidate.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary = candidate;
      return {};
    }
    if (errno != EEXIST)
      break;
  }
  return makeError("{}: cannot be written: {}", name, std::strerror(errno));
}

Expected<void> OutputFile::commit() {
  if (temporary.empty())
    if (Expected<void> result = giveTemporaryName(); !result)
      return result;
  int result = ::close(descriptor);
  descriptor = -1;
  if (result != 0 || std::rename(temporary.c_str(), name.c_str()) != 0)
    return makeError("{}: cannot be written: {}", name, std::strerror(errno));
  temporary.clear();
  return {};
}

} // namespace quipu
