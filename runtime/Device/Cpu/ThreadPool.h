// Worker threads that live as long as the program. The caller is worker 0. Between jobs the others spin for a short
// time, because the next step usually follows at once, and then sleep.
#pragma once

#include "runtime/Device/Cpu/Barrier.h"
#include "runtime/Support/Error.h"

#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace quipu::cpu {

class ThreadPool {
public:
  // An error where the system does not grant that many threads.
  static Expected<std::unique_ptr<ThreadPool>> start(uint32_t workers);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  uint32_t workers() const { return workerCount; }
  // Calls job(worker) on every worker and returns when all have ended. What one job does with barrier() all must do.
  void run(const std::function<void(uint32_t worker)> &job);
  // Waits until every worker of the job is here.
  void barrier() {
    if (workerCount > 1)
      meeting.arrive();
  }

private:
  explicit ThreadPool(uint32_t workers);
  void work(uint32_t worker);

  const uint32_t workerCount;
  const uint32_t spins;
  const std::function<void(uint32_t)> *current = nullptr; // null: the threads end
  alignas(64) Phase jobs;
  Barrier meeting;
  std::vector<std::thread> threads;
};

} // namespace quipu::cpu
