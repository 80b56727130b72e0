// A generated GPU kernel: source text that needs no header, and how to launch it.
//
// The kernel is `extern "C" void SYMBOL(T0 *operand0, ..., Tn *operandn, const int *dims, void *scratch, u32 *mark)`:
// the launch's operands in order (null where absent), the step's symbolic dims {tokens, sequences, rows, page_stride}
// in device memory, the program's scratch, at least scratchBytes long, and the launch's mark (device/platform.h). A
// grid may be larger than the step needs: the kernel compares with dims and blocks without work return.
#pragma once

#include "compiler/Codegen/LaunchGeometry.h"

#include <cstdint>
#include <string>

namespace quipu::gpu {

struct Kernel {
  std::string source;
  LaunchGeometry launch;
  int64_t scratchBytes = 0;
};

} // namespace quipu::gpu
