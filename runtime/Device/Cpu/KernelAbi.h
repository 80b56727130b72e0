// The C interface between the runtime and the generated CPU kernels; compiler/Codegen/Cpu emits code against this
// layout.
#pragma once

#include <cstdint>

namespace quipu::cpu {

// Index of each symbolic dim of a step in KernelArgs::dims.
enum class StepDim : int32_t { Tokens = 0, Sequences = 1, Rows = 2, PageStride = 3, Count = 4 };

// What a kernel receives. One object per worker; a kernel reads it and never writes it.
struct KernelArgs {
  void *const *buffers; // the launch's operands in order; null where an operand is absent
  const int64_t *dims;  // StepDim::Count values
  void *scratch;        // private to this worker, 64-byte aligned, as large as the kernel's scratch_bytes
  int32_t worker;       // 0 .. workers - 1
  int32_t workers;
  uint32_t
      *taken; // one counter of all workers, 0 when the kernel starts: what they have taken of a common rest of work
};

// A kernel computes this worker's share of the launch and returns; the runtime puts a barrier after it.
using Kernel = void (*)(const KernelArgs *);

} // namespace quipu::cpu
