// When the activations of a program are alive.
#pragma once

#include "compiler/Dialect/Kernel/IR/Kernel.h"

#include <vector>

namespace quipu::kernel {

struct LiveActivation {
  BufferOp buffer;
  uint64_t bytes; // in the largest step, rounded up to 64
  int64_t first;  // launch that names it first, counted from 0
  int64_t last;   // launch that names it last

  bool overlapsInTime(const LiveActivation &other) const { return first <= other.last && other.first <= last; }
};

// The activations that some launch names, in the order of their declaration.
std::vector<LiveActivation> findLiveActivations(ProgramOp program);

} // namespace quipu::kernel
