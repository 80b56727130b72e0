#include "runtime/Device/Simt/Grid.h"

#include <atomic>
#include <mutex>

namespace quipu::simt {

Expected<std::unique_ptr<GridRunner>> GridRunner::create(uint32_t workers) {
  auto grid = std::make_unique<GridRunner>();
  for (uint32_t i = 0; i < workers; ++i) {
    Expected<std::unique_ptr<BlockRunner>> runner = BlockRunner::create(maximumThreads);
    if (!runner)
      return passError(std::move(runner));
    grid->runners.push_back(std::move(*runner));
  }
  Expected<std::unique_ptr<cpu::ThreadPool>> pool = cpu::ThreadPool::start(workers);
  if (!pool)
    return passError(std::move(pool));
  grid->pool = std::move(*pool);
  return grid;
}

Expected<void> GridRunner::run(const KernelImage &kernel, const std::vector<void *> &arguments, const BlockShape &shape,
                               std::array<uint32_t, 3> grid) {
  const uint64_t blocks = uint64_t(grid[0]) * grid[1] * grid[2];
  std::atomic<uint64_t> next{0};
  std::mutex mutex; // of what follows
  Expected<void> result;
  uint64_t failed = UINT64_MAX;
  pool->run([&](uint32_t worker) {
    for (uint64_t block = next++; block < blocks; block = next++) {
      Expected<void> ran = runners[worker]->run(
          kernel, arguments, shape,
          {uint32_t(block % grid[0]), uint32_t(block / grid[0] % grid[1]), uint32_t(block / grid[0] / grid[1])});
      if (ran)
        continue;
      next = blocks;
      std::lock_guard<std::mutex> lock(mutex);
      if (block < failed) {
        failed = block;
        result = std::move(ran);
      }
    }
  });
  return result;
}

} // namespace quipu::simt
