#include "runtime/Device/Cpu/ThreadPool.h"

#include "runtime/Device/Cpu/Topology.h"

#include <system_error>

namespace quipu::cpu {

namespace {

// A pause takes 40 to 140 cycles: some 200 microseconds, longer than workers differ within a launch. Where there are
// more threads than CPUs, spinning takes time from the thread that is waited for.
uint32_t spinsFor(uint32_t workers) { return workers <= availableCpus() ? 8000 : 50; }

} // namespace

ThreadPool::ThreadPool(uint32_t workers)
    : workerCount(workers), spins(spinsFor(workers)), meeting(workers, spinsFor(workers)) {}

Expected<std::unique_ptr<ThreadPool>> ThreadPool::start(uint32_t workers) {
  std::unique_ptr<ThreadPool> pool(new ThreadPool(workers));
  try {
    for (uint32_t worker = 1; worker < workers; ++worker)
      pool->threads.emplace_back([pool = pool.get(), worker] { pool->work(worker); });
  } catch (const std::system_error &error) {
    return makeError("{} threads cannot be started: {}; lower --threads", workers, error.code().message());
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  current = nullptr;
  jobs.advance();
  for (std::thread &thread : threads)
    thread.join();
}

void ThreadPool::run(const std::function<void(uint32_t)> &job) {
  if (workerCount == 1)
    return job(0);
  current = &job;
  jobs.advance();
  job(0);
  meeting.arrive(); // the end of the job
}

void ThreadPool::work(uint32_t worker) {
  for (uint32_t seen = 0;; ++seen) {
    jobs.waitWhile(seen, spins);
    if (!current)
      return;
    (*current)(worker);
    meeting.arrive();
  }
}

} // namespace quipu::cpu
