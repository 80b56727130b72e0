// How a GPU starts a kernel: its grid as a function of the step's dims, and what a block takes. Kernels are right for a
// larger grid too, so that a captured graph can be replayed for every step of a bucket.
#pragma once

#include <cstdint>

namespace quipu {

// Blocks along one axis: ceil(dim / divide) * times; where dim is constant: times.
struct GridAxis {
  static constexpr int constant = -1;

  int dim = constant; // index of a symbolic dim of the step
  int64_t divide = 1;
  int64_t times = 1;
};

struct LaunchGeometry {
  GridAxis x, y, z;
  int threads = 1;         // a block is one-dimensional
  int64_t sharedBytes = 0; // dynamic shared memory
  int cluster = 1;         // blocks of a thread block cluster, along x
  bool earlyStart = false; // may start before the kernel in front of it ends: it waits for that itself
};

} // namespace quipu
