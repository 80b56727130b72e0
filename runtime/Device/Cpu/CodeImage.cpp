#include "runtime/Device/Cpu/CodeImage.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace quipu::cpu {

namespace {

// The dynamic linker maps what the program headers say and faults where the file ends before.
Expected<void> checkElf(std::string_view elf) {
  Elf64_Ehdr header;
  if (elf.size() < sizeof(header))
    return makeError("code is too short for a shared object");
  std::memcpy(&header, elf.data(), sizeof(header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_machine != EM_X86_64 || header.e_type != ET_DYN)
    return makeError("code is not a shared object for x86-64");
  uint64_t table = uint64_t(header.e_phnum) * sizeof(Elf64_Phdr);
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > elf.size() || table > elf.size() - header.e_phoff)
    return makeError("code is a shared object that is cut short");
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, elf.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_type != PT_GNU_STACK &&
        (segment.p_offset > elf.size() || segment.p_filesz > elf.size() - segment.p_offset))
      return makeError("code is a shared object that is cut short");
  }
  return {};
}

Expected<int> writeToMemory(std::string_view elf) {
  constexpr unsigned mfdExec = 0x10; // since Linux 6.3; some systems refuse to run a memfd made without it
  int descriptor = ::memfd_create("quipu-code", MFD_CLOEXEC | mfdExec);
  if (descriptor < 0 && errno == EINVAL)
    descriptor = ::memfd_create("quipu-code", MFD_CLOEXEC);
  if (descriptor < 0)
    return makeError("code cannot be loaded: memfd_create: {}", std::strerror(errno));
  while (!elf.empty()) {
    ssize_t written = ::write(descriptor, elf.data(), elf.size());
    if (written < 0 && errno != EINTR) {
      int reason = errno;
      ::close(descriptor);
      return makeError("code cannot be loaded: {}", std::strerror(reason));
    }
    elf.remove_prefix(written > 0 ? static_cast<size_t>(written) : 0);
  }
  return descriptor;
}

} // namespace

Expected<CodeImage> CodeImage::load(std::string_view elf) {
  if (Expected<void> result = checkElf(elf); !result)
    return passError(std::move(result));
  Expected<int> descriptor = writeToMemory(elf);
  if (!descriptor)
    return passError(std::move(descriptor));
  CodeImage image;
  // Open as long as the image lives: the dynamic linker knows objects by their path, and the path of a closed
  // descriptor would come back with other code behind it.
  image.descriptor = *descriptor;
  image.handle = ::dlopen(fmt::format("/proc/self/fd/{}", *descriptor).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!image.handle)
    return makeError("code cannot be loaded: {}", ::dlerror());
  return image;
}

CodeImage::CodeImage(CodeImage &&other) noexcept { *this = std::move(other); }

CodeImage &CodeImage::operator=(CodeImage &&other) noexcept {
  std::swap(handle, other.handle);
  std::swap(descriptor, other.descriptor);
  return *this;
}

CodeImage::~CodeImage() {
  if (handle)
    ::dlclose(handle);
  if (descriptor >= 0)
    ::close(descriptor);
}

void *CodeImage::find(const std::string &symbol) const { return ::dlsym(handle, symbol.c_str()); }

} // namespace quipu::cpu
