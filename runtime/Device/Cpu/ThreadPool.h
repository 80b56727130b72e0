// Worker threads that live as long as the program. The caller is worker 0. Between jobs the others spin for a short
// time, because the next step usually follows at once, and then sleep.
//
// Work comes as stages, one after the other, and each stage as one share for each worker. What a share computes depends
// on its number alone, who computes it on who is there: every worker takes its own share first, and one that has ended
// takes those that nobody has begun. So a worker that the system has taken off its CPU holds up the others only if it
// is within a share; while it waited for work, they go on without it. Nor does anyone wait for it at the end.
//
// A claim of a share is one compare-and-swap on a word that holds the number of a stage. A worker that was away for
// long knows an old number and fails. Nothing of a stage but its number is read before the claim, and while a claimed
// share is not done, its stage cannot end, so nothing that a late worker reads is being changed.
#pragma once

#include "runtime/Device/Cpu/Barrier.h"
#include "runtime/Support/Error.h"

#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace quipu::cpu {

struct Share {
  uint32_t stage;
  uint32_t index;  // of the workers() shares of a stage
  uint32_t worker; // who computes it
};

// A stage begins when all shares of the one before are done, and sees what they wrote.
struct StagedWork {
  uint32_t stages;
  std::function<void(const Share &)> run;
  // Stages whose shares together take less time than it takes to tell another worker: one computes them all.
  std::function<bool(uint32_t stage)> isSmall;
};

class ThreadPool {
public:
  // An error where the system does not grant that many threads.
  static Expected<std::unique_ptr<ThreadPool>> start(uint32_t workers);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  uint32_t workers() const { return workerCount; }
  // Returns when all stages are done.
  void run(const StagedWork &work);
  // One stage: calls job(index) once for each share.
  void run(const std::function<void(uint32_t index)> &job);
  // Within a job of one stage: waits until every share is here, so each has a thread. All shares must do it as often.
  void barrier() {
    if (workerCount > 1)
      meeting.arrive();
  }

private:
  explicit ThreadPool(uint32_t workers);
  void work(uint32_t worker);
  void takeShares(uint32_t worker, uint64_t seen);
  bool tryShare(uint32_t index, uint32_t worker, uint64_t seen);
  void goOn(uint32_t stage, uint32_t worker);

  struct alignas(64) Claim {
    std::atomic<uint64_t> number{0}; // of the last stage whose share of this index has been taken
  };

  const uint32_t workerCount;
  const uint32_t spins;
  // Stages are numbered from 1 for as long as the pool lives. The phase is twice the number of the open one + 1, or
  // twice the next one's.
  alignas(64) Phase phase{2};
  alignas(64) const StagedWork *current =
      nullptr; // it and the number of its first stage change only while none is open
  uint64_t first = 0;
  alignas(64) std::atomic<uint32_t> finished{0}; // shares of the open stage
  std::vector<Claim> claims;
  Barrier meeting;
  std::vector<std::thread> threads;
};

} // namespace quipu::cpu
