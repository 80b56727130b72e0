// A generated GPU kernel: source text that needs no header, and how to launch it.
//
// The kernel is `extern "C" void SYMBOL(T0 *operand0, ..., Tn *operandn, const int *dims, void *scratch)`: the launch's
// operands in order (null where absent), the step's symbolic dims {tokens, sequences, rows, page_stride} in device
// memory, and the program's scratch, at least scratchBytes long. A grid may be larger than the step needs: the kernel
// compares with dims and blocks without work return.
#pragma once

#include <cstdint>
#include <string>

namespace quipu::gpu {

// The number of blocks along one axis: ceil(dim / divide) * times.
struct GridAxis {
  static constexpr int constant = -1;

  int dim = constant; // index of a symbolic dim; constant: `times` blocks
  int64_t divide = 1;
  int64_t times = 1;
};

struct LaunchGeometry {
  GridAxis x, y, z;
  int threads = 1;         // a block is one-dimensional
  int64_t sharedBytes = 0; // dynamic shared memory
  int cluster = 1;         // blocks of a thread block cluster, along x
};

struct Kernel {
  std::string source;
  LaunchGeometry launch;
  int64_t scratchBytes = 0;
};

} // namespace quipu::gpu
