#include "runtime/Device/Cpu/ThreadPool.h"

#include "runtime/Device/Cpu/Topology.h"

#include <system_error>

namespace quipu::cpu {

namespace {

// A pause takes 40 to 140 cycles: some 200 microseconds, longer than workers differ within a launch. Where there are
// more threads than CPUs, spinning takes time from the thread that is waited for.
uint32_t spinsFor(uint32_t workers) { return workers <= availableCpus() ? 8000 : 50; }

// How long others may be late for their shares: some times what a change of the phase takes to reach another core.
constexpr uint32_t spinsBeforeOthersShares = 40;

constexpr uint64_t endOfThreads = UINT64_MAX - 1;

bool isOpen(uint64_t phase) { return phase % 2 == 1; }

} // namespace

ThreadPool::ThreadPool(uint32_t workers)
    : workerCount(workers), spins(spinsFor(workers)), claims(workers), meeting(workers, spinsFor(workers)) {}

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
  phase.advance(endOfThreads);
  for (std::thread &thread : threads)
    thread.join();
}

void ThreadPool::run(const StagedWork &work) {
  current = &work;
  first = phase.load() / 2;
  goOn(0, 0);
  for (uint64_t seen = phase.load(); isOpen(seen); seen = phase.load())
    takeShares(0, seen);
}

void ThreadPool::run(const std::function<void(uint32_t)> &job) {
  run({1, [&job](const Share &share) { job(share.index); }, [](uint32_t) { return false; }});
}

void ThreadPool::work(uint32_t worker) {
  for (uint64_t seen = phase.load(); seen != endOfThreads; seen = phase.load())
    if (isOpen(seen))
      takeShares(worker, seen);
    else
      phase.waitWhile(seen, spins);
}

// Returns when the phase is no longer `seen`.
void ThreadPool::takeShares(uint32_t worker, uint64_t seen) {
  tryShare(worker, worker, seen);
  if (!phase.staysFor(seen, spinsBeforeOthersShares))
    return;
  for (uint32_t i = 1; i < workerCount; ++i)
    tryShare((worker + i) % workerCount, worker, seen);
  phase.waitWhile(seen, spins); // all shares are taken
}

bool ThreadPool::tryShare(uint32_t index, uint32_t worker, uint64_t seen) {
  const uint64_t number = seen / 2;
  std::atomic<uint64_t> &claim = claims[index].number;
  uint64_t last = claim.load(std::memory_order_relaxed);
  if (last >= number || !claim.compare_exchange_strong(last, number, std::memory_order_acq_rel))
    return false;
  const auto stage = static_cast<uint32_t>(number - first);
  current->run({stage, index, worker});
  if (finished.fetch_add(1, std::memory_order_acq_rel) + 1 == workerCount) {
    finished.store(0, std::memory_order_relaxed);
    goOn(stage + 1, worker);
  }
  return true;
}

// The caller is the only one in the work. It does small stages by itself, then opens the next one to all or ends.
void ThreadPool::goOn(uint32_t stage, uint32_t worker) {
  for (; stage < current->stages && (workerCount == 1 || current->isSmall(stage)); ++stage)
    for (uint32_t index = 0; index < workerCount; ++index)
      current->run({stage, index, worker});
  phase.advance(2 * (first + stage) + (stage < current->stages));
}

} // namespace quipu::cpu
