// A function with a stack of its own, which runs until it gives its turn away.
#pragma once

#include "runtime/Support/Error.h"

#include <cstddef>

namespace quipu::simt {

// Stacks for a number of fibers, a page without access below each.
class FiberStacks {
public:
  static constexpr size_t stackBytes = 128 << 10;

  static Expected<FiberStacks> allocate(size_t count);
  FiberStacks() = default;
  FiberStacks(FiberStacks &&other) noexcept;
  FiberStacks &operator=(FiberStacks &&other) noexcept;
  ~FiberStacks();

  size_t count() const { return number; }
  std::byte *top(size_t fiber) const { return start + (fiber + 1) * stackBytes; }

private:
  std::byte *start = nullptr;
  size_t number = 0;
};

// Where a stopped context goes on: its stack pointer.
using Context = void *;

// A context that calls entry(argument) when it is first switched to. entry must not return.
Context makeContext(std::byte *stackTop, void (*entry)(void *), void *argument);

// Goes on with `to`; returns when something switches to what was stored in `from`.
void switchContext(Context &from, Context to);

} // namespace quipu::simt
