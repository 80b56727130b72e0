#include "compiler/Conversion/LMToKernel/OpLowerings.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

// `b` is null where the function takes one operand, `factor` empty where it takes none.
static LogicalResult lowerPointwise(Operation *op, StepLowering &step, StringRef function, Value a, Value b,
                                    std::optional<double> factor = {}) {
  Dim dim = step.dimOf(a);
  std::string name = step.indexedName(op, function);
  Value out = step.resultBuffer(op->getResult(0), name, dim);
  KernelParams params = {{"n", featuresOf(a)}, {"op", function.str()}, {"rows_dim", static_cast<int64_t>(dim)}};
  if (factor)
    params["factor"] = *factor;
  return step.launch(
      op, name, {{"x", step.bufferOf(a)}, {"y", step.bufferOf(b)}, {"out", out}}, dim,
      {llvm::formatv("{0}{1}_n{2}", function, rowsSuffix(rowsOf(dim)), featuresOf(a)), "pointwise", params});
}

static LogicalResult lowerActivation(lm::ActivationOp op, StepLowering &step) {
  return lowerPointwise(op, step, lm::stringifyActivationKind(op.getKind()), op.getX(), nullptr);
}

static LogicalResult lowerAdd(lm::AddOp op, StepLowering &step) {
  return lowerPointwise(op, step, "add", op.getLhs(), op.getRhs());
}

static LogicalResult lowerMul(lm::MulOp op, StepLowering &step) {
  return lowerPointwise(op, step, "mul", op.getLhs(), op.getRhs());
}

static LogicalResult lowerScale(lm::ScaleOp op, StepLowering &step) {
  return lowerPointwise(op, step, "scale", op.getX(), nullptr, op.getFactor().convertToDouble());
}

static LogicalResult lowerSoftcap(lm::SoftcapOp op, StepLowering &step) {
  return lowerPointwise(op, step, "softcap", op.getX(), nullptr, op.getCap().convertToDouble());
}

void addPointwiseLowerings(OpLowerings &all) {
  all.add(lowerActivation);
  all.add(lowerAdd);
  all.add(lowerMul);
  all.add(lowerScale);
  all.add(lowerSoftcap);
}

} // namespace quipu
