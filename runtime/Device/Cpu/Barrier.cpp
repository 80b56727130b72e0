#include "runtime/Device/Cpu/Barrier.h"

#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace quipu::cpu {

namespace {

// The system waits for 32 bits: the low half, in front on every machine with these instructions.
void futex(std::atomic<uint64_t> &word, int operation, uint32_t value) {
  static_assert(sizeof(word) == 8 && std::atomic<uint64_t>::is_always_lock_free);
  ::syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), operation, value, nullptr, nullptr, 0);
}

} // namespace

// Sequential consistency on value and sleepers: either the sleeper has said so before advance() looks the second time,
// or it sees the new value and does not sleep. The flag is taken back by who wakes, not by who wakes up: until that one
// has a CPU again, no later advance() has a call to make. It is taken back before the value changes: who sleeps after
// that waits for the next advance(), which must find the flag, however long this one takes to return.
void Phase::advance(uint64_t next) {
  bool anySleeps = sleepers.load(std::memory_order_seq_cst) && sleepers.exchange(false, std::memory_order_seq_cst);
  value.store(next, std::memory_order_seq_cst);
  if (anySleeps || sleepers.load(std::memory_order_seq_cst))
    futex(value, FUTEX_WAKE_PRIVATE, INT_MAX);
}

bool Phase::staysFor(uint64_t old, uint32_t spins) const {
  for (uint32_t i = 0; i < spins; ++i) {
    if (load() != old)
      return false;
    __builtin_ia32_pause();
  }
  return true;
}

void Phase::waitWhile(uint64_t old, uint32_t spins) {
  if (!staysFor(old, spins))
    return;
  while (true) {
    sleepers.store(true, std::memory_order_seq_cst);
    if (value.load(std::memory_order_seq_cst) != old)
      return;
    futex(value, FUTEX_WAIT_PRIVATE, static_cast<uint32_t>(old));
  }
}

void Barrier::arrive() {
  uint64_t current = phase.load();
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
    // Nobody can arrive for the next phase before this one is advanced.
    arrived.store(0, std::memory_order_relaxed);
    phase.advance(current + 1);
  } else {
    phase.waitWhile(current, spins);
  }
}

} // namespace quipu::cpu
