#include "compiler/Dialect/LM/Transforms/VerifyForm.h"

using namespace mlir;

LogicalResult quipu::lm::verifyWeightOperands(Operation *op) {
  for (Value operand : op->getOperands()) {
    auto isWeight = [&](int64_t rank) { return isWeightType(operand.getType(), rank); };
    if (!isWeight(1) && !isWeight(2) && !isWeight(3))
      continue;
    if (!isa_and_present<WeightExpressionOpInterface>(operand.getDefiningOp()))
      return op->emitOpError("expected weights made of lm.weight, as model definitions emit them");
  }
  return success();
}
