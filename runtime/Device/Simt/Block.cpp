#include "runtime/Device/Simt/Block.h"

#include <cstdlib>
#include <utility>

namespace quipu::simt {

namespace {

// A kernel's parameters are pointers of many types, of which only the ABI is known here.
template <size_t... index>
__attribute__((no_sanitize("function"))) void call(void *entry, void *const *arguments, std::index_sequence<index...>) {
  reinterpret_cast<void (*)(decltype(static_cast<void>(index), static_cast<void *>(nullptr))...)>(entry)(
      arguments[index]...);
}

template <size_t count> void callWith(void *entry, void *const *arguments) {
  call(entry, arguments, std::make_index_sequence<count>());
}

template <size_t... count>
void callWithAny(void *entry, const std::vector<void *> &arguments, std::index_sequence<count...>) {
  constexpr void (*functions[])(void *, void *const *) = {callWith<count>...};
  functions[arguments.size()](entry, arguments.data());
}

} // namespace

const Services &BlockRunner::services() {
  static const Services table = {
      [](Thread *thread, int id, int threads) {
        auto *fiber = static_cast<FiberThread *>(thread);
        fiber->runner->barrier(*fiber, id, threads);
      },
      [](Thread *thread, int lanes, Collective operation, void *mine) {
        auto *fiber = static_cast<FiberThread *>(thread);
        fiber->runner->collective(*fiber, lanes, operation, mine);
      },
      [](Thread *thread, const void *key, unsigned long bytes) {
        auto *fiber = static_cast<FiberThread *>(thread);
        void *memory = fiber->runner->shared.variable(key, bytes);
        if (!memory)
          fiber->runner->stop(*fiber, "has more shared memory than any chip");
        return memory;
      },
      [](Thread *thread, void *shared, const void *global) {
        static_cast<FiberThread *>(thread)->copies.copy(shared, global);
      },
      [](Thread *thread) { static_cast<FiberThread *>(thread)->copies.commit(); },
      [](Thread *thread, int newest) { static_cast<FiberThread *>(thread)->copies.wait(uint64_t(newest)); },
      [](Thread *thread, void *barrier, int arrivals) {
        auto *fiber = static_cast<FiberThread *>(thread);
        if (std::string reason = fiber->runner->transfers.init(barrier, arrivals); !reason.empty())
          fiber->runner->stop(*fiber, reason);
      },
      [](Thread *thread, void *barrier, unsigned bytes) {
        auto *fiber = static_cast<FiberThread *>(thread);
        if (std::string reason = fiber->runner->transfers.arrive(barrier, bytes); !reason.empty())
          fiber->runner->stop(*fiber, reason);
      },
      [](Thread *thread, void *barrier, int parity) {
        auto *fiber = static_cast<FiberThread *>(thread);
        BlockRunner *runner = fiber->runner;
        if (!runner->transfers.known(barrier))
          runner->stop(*fiber, "waits for a transfer barrier that was not initialised");
        fiber->transfer = barrier;
        fiber->parity = parity;
        if (!runner->transfers.complete(barrier, parity))
          runner->giveTurnAway(*fiber, State::AtTransfer);
      },
      [](Thread *thread, void *shared, const void *global, unsigned bytes, void *barrier) {
        auto *fiber = static_cast<FiberThread *>(thread);
        if (std::string reason = fiber->runner->transfers.copy(shared, global, bytes, barrier); !reason.empty())
          fiber->runner->stop(*fiber, reason);
      },
      [](Thread *thread, const char *message) {
        auto *fiber = static_cast<FiberThread *>(thread);
        fiber->runner->stop(*fiber, message);
      },
  };
  return table;
}

Expected<std::unique_ptr<BlockRunner>> BlockRunner::create(uint32_t maximumThreads) {
  std::unique_ptr<BlockRunner> runner(new BlockRunner);
  Expected<FiberStacks> stacks = FiberStacks::allocate(maximumThreads);
  if (!stacks)
    return passError(std::move(stacks));
  Expected<SharedMemory> shared = SharedMemory::allocate();
  if (!shared)
    return passError(std::move(shared));
  runner->stacks = std::move(*stacks);
  runner->shared = std::move(*shared);
  runner->fibers.resize(maximumThreads);
  return runner;
}

Expected<void> BlockRunner::run(const KernelImage &image, const std::vector<void *> &callArguments,
                                const BlockShape &shape, std::array<uint32_t, 3> block) {
  if (shape.threads == 0 || shape.threads > fibers.size() || shape.threads % shape.waveWidth != 0)
    return makeError("a block of {} threads, which is no number of whole waves up to {} threads", shape.threads,
                     fibers.size());
  if (callArguments.size() > maximumArguments || shape.sharedBytes > SharedMemory::maximumBytes / 2)
    return makeError("takes {} arguments and {} bytes of shared memory", callArguments.size(), shape.sharedBytes);
  kernel = &image;
  arguments = &callArguments;
  prepare(shape, block);
  while (unfinished > 0 && error.empty())
    if (!passTurns() && !releaseTransfers() && error.empty())
      error = describeStandstill();
  if (error.empty())
    error = shared.damage();
  if (!error.empty())
    return makeError("block {}, {}, {}: {}", block[0], block[1], block[2], error);
  return {};
}

void BlockRunner::prepare(const BlockShape &shape, std::array<uint32_t, 3> block) {
  bool eager = (block[0] + block[1] + block[2]) % 2 != 0;
  shared.reset(shape.sharedBytes);
  transfers.reset(eager);
  groups.clear();
  barriers.fill({});
  error.clear();
  threads = unfinished = shape.threads;
  for (uint32_t i = 0; i < threads; ++i) {
    FiberThread &fiber = fibers[i];
    static_cast<Thread &>(fiber) = {
        &services(), int(i), {int(block[0]), int(block[1]), int(block[2])}, int(shape.waveWidth), shared.dynamic()};
    fiber.runner = this;
    fiber.context = makeContext(stacks.top(i), runThread, &fiber);
    fiber.state = State::Ready;
    fiber.copies.reset(eager);
  }
}

void BlockRunner::runThread(void *argument) {
  auto *fiber = static_cast<FiberThread *>(argument);
  BlockRunner *runner = fiber->runner;
  callWithAny(runner->kernel->entry, *runner->arguments, std::make_index_sequence<maximumArguments + 1>());
  --runner->unfinished;
  runner->giveTurnAway(*fiber, State::Finished);
  std::abort(); // nobody gives a finished thread a turn
}

// False where it has nothing to do.
bool BlockRunner::turn(FiberThread &fiber) {
  if (fiber.state != State::Ready || !error.empty())
    return false;
  *kernel->current() = &fiber;
  switchContext(scheduler, fiber.context);
  return true;
}

bool BlockRunner::passTurns() {
  bool any = false;
  for (uint32_t i = 0; i < threads; ++i)
    any |= turn(fibers[backwards ? threads - 1 - i : i]);
  backwards = !backwards;
  return any;
}

// Nothing runs: the time for copies that are under way. One at a time, as few as go on with.
bool BlockRunner::releaseTransfers() {
  do {
    bool any = false;
    for (uint32_t i = 0; i < threads; ++i)
      if (fibers[i].state == State::AtTransfer && transfers.complete(fibers[i].transfer, fibers[i].parity)) {
        fibers[i].state = State::Ready;
        any = true;
      }
    if (any)
      return true;
  } while (transfers.advance());
  return false;
}

void BlockRunner::giveTurnAway(FiberThread &fiber, State state) {
  fiber.state = state;
  switchContext(fiber.context, scheduler);
}

void BlockRunner::stop(FiberThread &fiber, std::string message) {
  error = fmt::format("thread {} {}", fiber.index, message);
  giveTurnAway(fiber, State::Finished);
  std::abort();
}

void BlockRunner::barrier(FiberThread &fiber, int id, int expected) {
  if (expected == 0)
    expected = int(threads);
  if (id < 0 || id >= int(barriers.size()) || expected % fiber.waveWidth != 0 || expected > int(threads))
    stop(fiber, fmt::format("is at barrier {} for {} threads", id, expected));
  BarrierState &state = barriers[size_t(id)];
  if (state.arrived > 0 && state.expected != expected)
    stop(fiber, fmt::format("is at barrier {} for {} threads, where others wait for {}", id, expected, state.expected));
  state.expected = expected;
  fiber.barrier = id;
  if (++state.arrived < expected)
    return giveTurnAway(fiber, State::AtBarrier);
  state = {};
  for (uint32_t i = 0; i < threads; ++i)
    if (fibers[i].state == State::AtBarrier && fibers[i].barrier == id)
      fibers[i].state = State::Ready;
}

void BlockRunner::collective(FiberThread &fiber, int lanes, Collective operation, void *mine) {
  int first = fiber.index / lanes * lanes;
  if (first + lanes > int(threads))
    stop(fiber, fmt::format("is in an operation of {} lanes that the block does not fill", lanes));
  GroupState &group = groups[{lanes, first}];
  if (group.arrived == 0) {
    group.operation = operation;
    group.arguments.assign(size_t(lanes), nullptr);
  } else if (group.operation != operation) {
    stop(fiber, "is in another operation than the rest of its wave");
  }
  group.arguments[size_t(fiber.index - first)] = mine;
  if (++group.arrived < lanes)
    return giveTurnAway(fiber, State::AtCollective);
  group.arrived = 0;
  operation(group.arguments.data(), lanes);
  for (int i = first; i < first + lanes; ++i)
    if (fibers[size_t(i)].state == State::AtCollective)
      fibers[size_t(i)].state = State::Ready;
}

std::string BlockRunner::describeStandstill() const {
  std::array<uint32_t, 5> count = {};
  std::array<uint32_t, 5> example = {};
  for (uint32_t i = 0; i < threads; ++i) {
    ++count[size_t(fibers[i].state)];
    example[size_t(fibers[i].state)] = i;
  }
  std::string text = "no thread can go on:";
  const std::pair<State, const char *> names[] = {{State::AtBarrier, "at a barrier"},
                                                  {State::AtCollective, "at an operation of a whole wave"},
                                                  {State::AtTransfer, "waiting for a transfer"},
                                                  {State::Finished, "at the kernel's end"}};
  for (auto [state, what] : names)
    if (uint32_t n = count[size_t(state)])
      text += fmt::format(" {} {} (thread {})", n, what, example[size_t(state)]);
  return text;
}

} // namespace quipu::simt
