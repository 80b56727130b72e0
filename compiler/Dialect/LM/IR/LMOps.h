#pragma once

#include "compiler/Dialect/LM/IR/LMAttrs.h"
#include "compiler/Dialect/LM/IR/LMDialect.h"
#include "compiler/Dialect/LM/IR/LMTypes.h"
#include "compiler/Quantization/WeightPiece.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "compiler/Dialect/LM/IR/LMInterfaces.h.inc"

namespace quipu::lm {

/// The pieces of a weight operand, whose op is a WeightExpressionOpInterface in every verified form.
llvm::SmallVector<quipu::WeightPiece> piecesOf(mlir::Value weight);

} // namespace quipu::lm

#define GET_OP_CLASSES
#include "compiler/Dialect/LM/IR/LMOps.h.inc"
