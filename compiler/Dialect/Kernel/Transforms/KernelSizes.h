// Whether kernels are made for the operands that launches give them.
#pragma once

#include "compiler/Dialect/Kernel/IR/Kernel.h"

namespace quipu::kernel {

// Compares the operands of each launch with the signatures (compiler/Codegen/Signature.h) of its stages: how many there
// are, what they are, sizes and types as the stage's parameters say. Emits an error on the launch where they differ:
// such a kernel would read and write past the ends of its operands. Sizes by parameters that are absent, and generators
// without a signature, are not looked at.
mlir::LogicalResult verifyKernelSizes(ProgramOp program);

} // namespace quipu::kernel
