// Whether kernels are made for the operands that launches give them.
#pragma once

#include "compiler/Dialect/Kernel/IR/Kernel.h"

namespace quipu::kernel {

// Compares the sizes and storage types among the parameters of each stage with the operands of the launch, and emits an
// error on the launch where they differ: such a kernel would read and write past the ends of its operands. Parameters
// that are absent, and generators that the table does not know, are not looked at.
mlir::LogicalResult verifyKernelSizes(ProgramOp program);

} // namespace quipu::kernel
