#include "compiler/Dialect/LM/IR/LMOps.h"

using namespace mlir;
using namespace quipu::lm;

static LogicalResult verifyNorm(NormOpInterface op) {
  int64_t features = cast<RankedTensorType>(op.getNormInput().getType()).getDimSize(1), groups = op.getGroupCount();
  // (C1)
  if (groups < 1 || features % groups != 0)
    return op->emitOpError("expected groups >= 1 that divide ") << features << " (features of x), got " << groups;
  // (C2)
  auto sizeOf = [](Value vector) { return cast<RankedTensorType>(vector.getType()).getDimSize(0); };
  if (Value gain = op.getNormGain(); gain && sizeOf(gain) != features && sizeOf(gain) != features / groups)
    return op->emitOpError("expected gain of size ")
           << features << " (features of x)" << (groups > 1 ? " or of one group" : "") << ", got " << sizeOf(gain);
  // (C3)
  if (!op.getEpsilon().isFinite() || op.getEpsilon().convertToDouble() < 0)
    return op->emitOpError("expected eps that is finite and >= 0, got ") << op.getEpsilon().convertToDouble();
  // (C4)
  if (Value residual = op.getAddedResidual(); residual && residual.getType() != op.getNormInput().getType())
    return op->emitOpError("expected residual of type ")
           << op.getNormInput().getType() << " (type of x), got " << residual.getType();
  return success();
}

LogicalResult RmsNormOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &results) {
  results.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                            SmallVectorImpl<Type> &results) {
  results.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult RmsNormOp::verify() { return verifyNorm(cast<NormOpInterface>(getOperation())); }

LogicalResult LayerNormOp::verify() {
  if (failed(verifyNorm(cast<NormOpInterface>(getOperation()))))
    return failure();
  // (C5)
  if (getBias() && (!getGain() || getBias().getType().getDimSize(0) != getGain().getType().getDimSize(0)))
    return emitOpError("expected bias beside a gain of its size");
  return success();
}
