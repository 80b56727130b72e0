// How threads that meet thousands of times a second wait for each other. Whoever waits spins first, then sleeps in the
// kernel, so that with more programs than CPUs a waiting thread does not burn the time of the one it waits for.
#pragma once

#include <atomic>
#include <cstdint>

namespace quipu::cpu {

// A word that one thread at a time changes and others wait for. It never takes a value twice.
class Phase {
public:
  explicit Phase(uint64_t value = 0) : value(value) {}
  uint64_t load() const { return value.load(std::memory_order_acquire); }
  // Everything written before advance() is seen by those who see its value.
  void advance(uint64_t next);
  // Looks `spins` times whether the phase is still `old`; false where it is not.
  bool staysFor(uint64_t old, uint32_t spins) const;
  // Returns when the phase is no longer `old`: spins first, then sleeps.
  void waitWhile(uint64_t old, uint32_t spins);

private:
  std::atomic<uint64_t> value;
  std::atomic<bool> sleepers{false}; // since the last advance
};

// Where all of some threads meet.
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
