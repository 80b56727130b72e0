// A launch: all blocks of a grid, shared out among host threads.
#pragma once

#include "runtime/Device/Cpu/ThreadPool.h"
#include "runtime/Device/Simt/Block.h"

namespace quipu::simt {

class GridRunner {
public:
  static constexpr uint32_t maximumThreads = 1024; // of a block

  static Expected<std::unique_ptr<GridRunner>> create(uint32_t workers);

  // Errors are those of the first block that failed, without the kernel's name.
  Expected<void> run(const KernelImage &kernel, const std::vector<void *> &arguments, const BlockShape &shape,
                     std::array<uint32_t, 3> grid);

private:
  std::vector<std::unique_ptr<BlockRunner>> runners; // one for each worker
  std::unique_ptr<cpu::ThreadPool> pool;
};

} // namespace quipu::simt
