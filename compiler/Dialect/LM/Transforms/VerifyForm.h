// The two forms of a graph, as functions: passes check with them what they build on.
#pragma once

#include "compiler/Dialect/LM/IR/LMOps.h"

namespace quipu::lm {

/// What --lm-verify-plain-form and --lm-verify-cached-form check; the error is emitted at the op at fault.
mlir::LogicalResult verifyPlainForm(FuncOp func);
mlir::LogicalResult verifyCachedForm(FuncOp func);

/// Every weight operand of `op` is made of weights of the checkpoint.
mlir::LogicalResult verifyWeightOperands(mlir::Operation *op);

} // namespace quipu::lm
