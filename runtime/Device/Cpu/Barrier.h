// A barrier for threads that meet thousands of times a second. The last one to arrive turns the phase; the others spin
// on it. After some hundred microseconds they sleep in the kernel, so that with more threads than CPUs a waiting thread
// does not burn the time of the one it waits for.
#pragma once

#include <atomic>
#include <cstdint>

namespace quipu::cpu {

// A word that one thread advances and others wait for.
class Phase {
public:
  uint32_t load() const { return value.load(std::memory_order_acquire); }
  // Everything written before advance() is seen by those who waited.
  void advance();
  // Returns when the phase is no longer `old`: spins first, then sleeps.
  void waitWhile(uint32_t old, uint32_t spins);

private:
  std::atomic<uint32_t> value{0};
  std::atomic<uint32_t> sleepers{0};
};

class Barrier {
public:
  // `spins` is how often a thread looks before it sleeps.
  Barrier(uint32_t threads, uint32_t spins) : threads(threads), spins(spins) {}
  // Returns when all threads are here.
  void arrive();

private:
  const uint32_t threads;
  const uint32_t spins;
  alignas(64) std::atomic<uint32_t> arrived{0};
  alignas(64) Phase phase;
};

} // namespace quipu::cpu
