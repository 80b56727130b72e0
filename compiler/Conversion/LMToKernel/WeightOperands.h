// Weight operands of ops, as the kernels' buffers hold them.
#pragma once

#include "compiler/Conversion/LMToKernel/ProgramBuilder.h"

namespace quipu {

// The pieces of checkpoint tensors a weight operand is made of.
mlir::FailureOr<WeightSource> resolveWeight(mlir::Operation *user, mlir::Value weight);

// The storage format of an element type, by name: which of them a target has kernels for its generators say.
std::string formatName(mlir::Type element);

} // namespace quipu
