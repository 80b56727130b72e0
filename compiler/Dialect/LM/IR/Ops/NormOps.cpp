#include "compiler/Dialect/LM/IR/LMOps.h"

using namespace mlir;
using namespace quipu::lm;

LogicalResult RmsNormOp::verify() {
  // (C1)
  int64_t features = getX().getType().getDimSize(1);
  int64_t size = getGain().getType().getDimSize(0);
  if (size != features)
    return emitOpError("expected gain of size ") << features << " (features of x), got " << size;
  // (C2)
  if (!getEps().isFinite() || getEps().convertToDouble() < 0)
    return emitOpError("expected eps that is finite and >= 0, got ") << getEpsAttr();
  return success();
}
