#include "compiler/Target/FoldersOnSignal.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sys/syscall.h>
#include <unistd.h>

namespace quipu {
namespace {

// A handler may neither allocate nor lock, so the paths lie in memory that is there from the start.
struct Slot {
  enum State { Free, Taken, Filled };
  std::atomic<int> state{Free};
  char path[496];
};
std::array<Slot, 256> slots;

constexpr std::array<int, 3> signals = {SIGINT, SIGTERM, SIGHUP};
std::array<struct sigaction, signals.size()> before;

// As getdents64(2) gives it; readdir allocates.
struct DirectoryEntry {
  uint64_t inode;
  int64_t offset;
  unsigned short bytes;
  unsigned char type;
  char name[1];
};

void removeFiles(int folder) {
  alignas(DirectoryEntry) char entries[4096];
  for (long got; (got = ::syscall(SYS_getdents64, folder, entries, sizeof entries)) > 0;)
    for (long at = 0; at < got;) {
      const auto *entry = reinterpret_cast<const DirectoryEntry *>(entries + at);
      ::unlinkat(folder, entry->name, 0); // fails for . and .., and so it should
      at += entry->bytes;
    }
}

void removeFolders(int signal) {
  for (Slot &slot : slots) {
    if (slot.state.load(std::memory_order_acquire) != Slot::Filled)
      continue;
    // A compiler that has not ended yet may write one more file behind the first look.
    for (int attempt = 0; attempt < 3 && ::rmdir(slot.path) != 0; ++attempt)
      if (int folder = ::open(slot.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
        removeFiles(folder);
        ::close(folder);
      }
  }
  // What was to happen happens, once this handler has returned.
  for (size_t i = 0; i < signals.size(); ++i)
    if (signals[i] == signal)
      ::sigaction(signal, &before[i], nullptr);
  ::raise(signal);
}

void installHandlers() {
  struct sigaction action = {};
  action.sa_handler = removeFolders;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < signals.size(); ++i) {
    ::sigaction(signals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN) // as under nohup
      ::sigaction(signals[i], &action, nullptr);
  }
}

} // namespace

size_t removeFolderOnSignal(const std::string &folder) {
  static std::once_flag installed;
  std::call_once(installed, installHandlers);
  if (folder.size() >= sizeof(Slot::path))
    return 0;
  for (size_t i = 0; i < slots.size(); ++i) {
    int expected = Slot::Free;
    if (!slots[i].state.compare_exchange_strong(expected, Slot::Taken))
      continue;
    std::memcpy(slots[i].path, folder.c_str(), folder.size() + 1);
    slots[i].state.store(Slot::Filled, std::memory_order_release);
    return i + 1;
  }
  return 0;
}

void forgetFolder(size_t number) {
  if (number)
    slots[number - 1].state.store(Slot::Free, std::memory_order_release);
}

} // namespace quipu
