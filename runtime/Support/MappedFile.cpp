#include "runtime/Support/MappedFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace quipu {

Expected<MappedFile> MappedFile::open(const std::string &path) {
  // O_NONBLOCK: opening a FIFO by mistake must not hang.
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return makeError("{}: cannot be opened: {}", path, std::strerror(errno));
  struct stat status;
  if (::fstat(descriptor, &status) != 0) {
    int reason = errno;
    ::close(descriptor);
    return makeError("{}: cannot be read: {}", path, std::strerror(reason));
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return makeError("{}: is not a regular file", path);
  }
  MappedFile file;
  file.name = path;
  file.length = static_cast<size_t>(status.st_size);
  if (file.length > 0) {
    void *address = ::mmap(nullptr, file.length, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) {
      int reason = errno;
      file.length = 0;
      ::close(descriptor);
      return makeError("{}: cannot be mapped: {}", path, std::strerror(reason));
    }
    file.start = static_cast<const std::byte *>(address);
  }
  ::close(descriptor);
  return file;
}

MappedFile::MappedFile(MappedFile &&other) noexcept { *this = std::move(other); }

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(name, other.name);
  std::swap(start, other.start);
  std::swap(length, other.length);
  return *this;
}

MappedFile::~MappedFile() {
  if (start)
    ::munmap(const_cast<std::byte *>(start), length);
}

} // namespace quipu
