#include "runtime/Support/InputFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace quipu {

Expected<InputFile> InputFile::open(const std::string &path) {
  // O_NONBLOCK: opening a FIFO by mistake must not hang.
  InputFile file;
  file.name = path;
  file.descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor < 0)
    return makeError("{}: cannot be opened: {}", path, std::strerror(errno));
  struct stat status;
  if (::fstat(file.descriptor, &status) != 0)
    return makeError("{}: cannot be read: {}", path, std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    return makeError("{}: is not a regular file", path);
  file.length = static_cast<uint64_t>(status.st_size);
  return file;
}

InputFile::InputFile(InputFile &&other) noexcept { *this = std::move(other); }

InputFile &InputFile::operator=(InputFile &&other) noexcept {
  std::swap(name, other.name);
  std::swap(descriptor, other.descriptor);
  std::swap(length, other.length);
  return *this;
}

InputFile::~InputFile() {
  if (descriptor >= 0)
    ::close(descriptor);
}

Expected<void> InputFile::readAt(uint64_t offset, void *to, size_t bytes) const {
  auto *out = static_cast<char *>(to);
  while (bytes > 0) {
    ssize_t got = ::pread(descriptor, out, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return makeError("{}: cannot be read: {}", name, std::strerror(errno));
    if (got == 0)
      return makeError("{}: ends at byte {}, before what it should hold", name, offset);
    out += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<size_t>(got);
  }
  return {};
}

Expected<void> InputFile::mapAt(uint64_t offset, void *to, size_t bytes) const {
  if (offset > length || bytes > length - offset)
    return makeError("{}: ends at byte {}, before what it should hold", name, length);
  if (::mmap(to, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, descriptor, static_cast<off_t>(offset)) ==
      MAP_FAILED)
    return makeError("{}: cannot be mapped: {}", name, std::strerror(errno));
  return {};
}

} // namespace quipu
