// Runs the blocks of a launch one after the other on one host thread. The threads of a block are fibers that take
// turns: each runs until it waits for others. So a block's result does not depend on timing, and a barrier that not all
// reach is found, not waited for.
#pragma once

#include "runtime/Device/Simt/Fiber.h"
#include "runtime/Device/Simt/KernelAbi.h"
#include "runtime/Device/Simt/SharedMemory.h"
#include "runtime/Device/Simt/Transfers.h"

#include <array>
#include <memory>

namespace quipu::simt {

// A kernel as its image has it.
struct KernelImage {
  void *entry = nullptr;           // extern "C" void (operands..., const int *dims, void *scratch)
  Thread **(*current)() = nullptr; // where this host thread's running Thread is kept
};

struct BlockShape {
  uint32_t threads;
  uint32_t waveWidth;
  uint64_t sharedBytes; // dynamic
};

class BlockRunner {
public:
  static constexpr size_t maximumArguments = 16;

  static Expected<std::unique_ptr<BlockRunner>> create(uint32_t maximumThreads);

  // Errors say what a thread did wrong, without the kernel's name.
  Expected<void> run(const KernelImage &kernel, const std::vector<void *> &arguments, const BlockShape &shape,
                     std::array<uint32_t, 3> block);

private:
  enum class State { Ready, AtBarrier, AtCollective, AtTransfer, Finished };

  // A Thread as kernels see it comes first, so that a pointer to one is a pointer to the fiber.
  struct FiberThread : Thread {
    BlockRunner *runner;
    Context context;
    State state;
    int barrier, barrierThreads; // AtBarrier
    void *transfer;              // AtTransfer
    int parity;
    ThreadCopies copies;
  };
  struct BarrierState {
    int arrived = 0, expected = 0;
  };
  struct GroupState {
    Collective operation = nullptr;
    int lanes = 0;
    std::vector<void *> arguments; // by lane; null: not here yet
    int arrived = 0;
  };

  BlockRunner() = default;
  void prepare(const BlockShape &shape, std::array<uint32_t, 3> block);
  bool turn(FiberThread &fiber);
  bool passTurns();
  bool releaseTransfers();
  std::string describeStandstill() const;
  void giveTurnAway(FiberThread &fiber, State state);
  [[noreturn]] void stop(FiberThread &fiber, std::string message);
  static void runThread(void *fiber);
  static const Services &services();

  void barrier(FiberThread &fiber, int id, int threads);
  void collective(FiberThread &fiber, int lanes, Collective operation, void *mine);

  FiberStacks stacks;
  SharedMemory shared;
  BlockTransfers transfers;
  std::vector<FiberThread> fibers;
  std::array<BarrierState, 16> barriers;
  std::map<std::pair<int, int>, GroupState> groups; // by (lanes, first lane)
  const KernelImage *kernel = nullptr;
  const std::vector<void *> *arguments = nullptr;
  uint32_t threads = 0, unfinished = 0;
  bool backwards = false; // the order of turns changes with every pass
  Context scheduler = nullptr;
  std::string error;
};

} // namespace quipu::simt
