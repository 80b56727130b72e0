#include "runtime/Device/Cpu/Barrier.h"

#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace quipu::cpu {

namespace {

void futex(std::atomic<uint32_t> &word, int operation, uint32_t value) {
  static_assert(sizeof(word) == 4 && std::atomic<uint32_t>::is_always_lock_free);
  ::syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), operation, value, nullptr, nullptr, 0);
}

} // namespace

// Sequential consistency on value and sleepers: either the sleeper is counted before advance() looks, or the sleeper's
// futex call sees the new value and returns at once.
void Phase::advance() {
  value.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) > 0)
    futex(value, FUTEX_WAKE_PRIVATE, INT_MAX);
}

void Phase::waitWhile(uint32_t old, uint32_t spins) {
  for (uint32_t i = 0; i < spins; ++i) {
    if (value.load(std::memory_order_acquire) != old)
      return;
    __builtin_ia32_pause();
  }
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  while (value.load(std::memory_order_seq_cst) == old)
    futex(value, FUTEX_WAIT_PRIVATE, old);
  sleepers.fetch_sub(1, std::memory_order_relaxed);
}

void Barrier::arrive() {
  uint32_t current = phase.load();
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
    // Nobody can arrive for the next phase before this one is advanced.
    arrived.store(0, std::memory_order_relaxed);
    phase.advance();
  } else {
    phase.waitWhile(current, spins);
  }
}

} // namespace quipu::cpu
