#include "runtime/Device/Cpu/ThreadPool.h"

#include "runtime/Device/Cpu/Topology.h"

namespace quipu::cpu {

namespace {

// A pause takes 40 to 140 cycles: some 200 microseconds, longer than workers differ within a launch. Where there are
// more threads than CPUs, spinning takes time from the thread that is waited for.
uint32_t spinsFor(uint32_t workers) { return workers <= availableCpus() ? 8000 : 50; }

} // namespace

ThreadPool::ThreadPool(uint32_t workers)
    : workerCount(workers), spins(spinsFor(workers)), meeting(workers, spinsFor(workers)) {
  for (uint32_t worker = 1; worker < workerCount; ++worker)
    threads.emplace_back([this, worker] { work(worker); });
}

ThreadPool::~ThreadPool() {
  current = nullptr;
  start.advance();
  for (std::thread &thread : threads)
    thread.join();
}

void ThreadPool::run(const std::function<void(uint32_t)> &job) {
  if (workerCount == 1)
    return job(0);
  current = &job;
  start.advance();
  job(0);
  meeting.arrive(); // the end of the job
}

void ThreadPool::work(uint32_t worker) {
  for (uint32_t seen = 0;; ++seen) {
    start.waitWhile(seen, spins);
    if (!current)
      return;
    (*current)(worker);
    meeting.arrive();
  }
}

} // namespace quipu::cpu
