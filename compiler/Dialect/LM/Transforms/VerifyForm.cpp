#include "compiler/Dialect/LM/Transforms/VerifyForm.h"

using namespace mlir;

LogicalResult quipu::lm::verifyWeightOperands(Operation *op) {
  for (Value operand : op->getOperands()) {
    if (!isWeightType(operand.getType(), 1) && !isWeightType(operand.getType(), 2))
      continue;
    if (!isa_and_present<WeightExpressionOpInterface>(operand.getDefiningOp()))
      return op->emitOpError("expected weights made of lm.weight, as model definitions emit them");
  }
  return success();
}
