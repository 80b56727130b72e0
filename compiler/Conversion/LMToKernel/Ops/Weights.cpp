// Ops on weights are no launches: who reads the result resolves them (WeightOperands.h).
#include "compiler/Conversion/LMToKernel/OpLowerings.h"

using namespace mlir;

namespace quipu {

template <typename Op> static LogicalResult lowerConstant(Op, StepLowering &) { return success(); }

void addWeightsLowerings(OpLowerings &all) {
  all.add(lowerConstant<lm::WeightOp>);
  all.add(lowerConstant<lm::WeightStackOp>);
  all.add(lowerConstant<lm::ConcatRowsOp>);
  all.add(lowerConstant<lm::WeightTransposeOp>);
  all.add(lowerConstant<lm::WeightRowsOp>);
  all.add(lowerConstant<lm::WeightAffineOp>);
}

} // namespace quipu
