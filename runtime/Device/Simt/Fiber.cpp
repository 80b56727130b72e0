#include "runtime/Device/Simt/Fiber.h"

#include <cstdint>
#include <sys/mman.h>
#include <utility>

#if !defined(__x86_64__)
#error "the context switch is written for x86-64"
#endif

// The registers a call preserves in the System V ABI go on the stack; the rest is the caller's to save.
asm(R"(
.text
.type quipuSwitchContext, @function
quipuSwitchContext:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size quipuSwitchContext, .-quipuSwitchContext
.type quipuEnterContext, @function
quipuEnterContext:
  movq %r12, %rdi
  callq *%rbx
  ud2
.size quipuEnterContext, .-quipuEnterContext
)");

extern "C" void quipuSwitchContext(void **from, void *to);
extern "C" void quipuEnterContext();

namespace quipu::simt {

Expected<FiberStacks> FiberStacks::allocate(size_t count) {
  void *memory =
      ::mmap(nullptr, count * stackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return makeError("no memory for the stacks of {} threads", count);
  FiberStacks stacks;
  stacks.start = static_cast<std::byte *>(memory);
  stacks.number = count;
  for (size_t fiber = 0; fiber < count; ++fiber)
    if (::mprotect(stacks.start + fiber * stackBytes, 4096, PROT_NONE) != 0)
      return makeError("no guard pages for the stacks of {} threads", count);
  return stacks;
}

FiberStacks::FiberStacks(FiberStacks &&other) noexcept { *this = std::move(other); }

FiberStacks &FiberStacks::operator=(FiberStacks &&other) noexcept {
  std::swap(start, other.start);
  std::swap(number, other.number);
  return *this;
}

FiberStacks::~FiberStacks() {
  if (start)
    ::munmap(start, number * stackBytes);
}

Context makeContext(std::byte *stackTop, void (*entry)(void *), void *argument) {
  // What quipuSwitchContext pops: r15, r14, r13, r12, rbx, rbp, the address to return to; 16 bytes below the top, so
  // that the stack is aligned where quipuEnterContext calls.
  auto *frame = reinterpret_cast<uint64_t *>(stackTop) - 9;
  frame[0] = frame[1] = frame[2] = 0;
  frame[3] = reinterpret_cast<uint64_t>(argument);
  frame[4] = reinterpret_cast<uint64_t>(entry);
  frame[5] = 0;
  frame[6] = reinterpret_cast<uint64_t>(&quipuEnterContext);
  return frame;
}

void switchContext(Context &from, Context to) { quipuSwitchContext(&from, to); }

} // namespace quipu::simt
