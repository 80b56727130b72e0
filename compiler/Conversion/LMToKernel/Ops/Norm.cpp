#include "compiler/Conversion/LMToKernel/LaunchNames.h"
#include "compiler/Conversion/LMToKernel/OpLowerings.h"
#include "compiler/Conversion/LMToKernel/WeightOperands.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

static int64_t sizeOf(Value vector) { return cast<RankedTensorType>(vector.getType()).getDimSize(0); }

// A norm of any kind.
static LogicalResult lowerNorm(lm::NormOpInterface op, StepLowering &step, StringRef kind) {
  FailureOr<Value> gain = step.vectorWeight(op, op.getNormGain()), bias = step.vectorWeight(op, op.getNormBias());
  if (failed(gain) || failed(bias))
    return failure();
  std::string name = step.indexedName(op, kind);
  if (op.getNormGain()) {
    FailureOr<WeightSource> source = resolveWeight(op, op.getNormGain());
    if (failed(source))
      return failure();
    name = weightLocation(source->names);
  }
  Dim dim = step.dimOf(op.getNormInput());
  int64_t n = featuresOf(op.getNormInput());
  KernelParams params = {{"n", n}, {"eps", op.getEpsilon().convertToDouble()}, {"rows_dim", static_cast<int64_t>(dim)}};
  std::string symbol = llvm::formatv("{0}{1}_n{2}", kind, rowsSuffix(rowsOf(dim)), n);
  if (op.getGroupCount() != 1) {
    params["groups"] = op.getGroupCount();
    symbol += llvm::formatv("_g{0}", op.getGroupCount());
  }
  if (op.getNormGain())
    params["gains"] = sizeOf(op.getNormGain());
  if (op.getNormBias())
    params["bias"] = true;
  if (op.getAddedResidual()) {
    params["residual"] = true;
    symbol += "_residual";
  }
  Value out = step.resultBuffer(op->getResult(0), name, dim), x = step.bufferOf(op.getNormInput());
  KernelSpec kernel{symbol, kind.str(), params};
  Value residual = step.bufferOf(op.getAddedResidual());
  if (!op.isCentred())
    return step.launch(op, name, {{"x", x}, {"gain", *gain}, {"residual", residual}, {"out", out}}, dim, kernel);
  return step.launch(op, name, {{"x", x}, {"gain", *gain}, {"bias", *bias}, {"residual", residual}, {"out", out}}, dim,
                     kernel);
}

static LogicalResult lowerRmsNorm(lm::RmsNormOp op, StepLowering &step) { return lowerNorm(op, step, "rms_norm"); }
static LogicalResult lowerLayerNorm(lm::LayerNormOp op, StepLowering &step) {
  return lowerNorm(op, step, "layer_norm");
}

void addNormLowerings(OpLowerings &all) {
  all.add(lowerRmsNorm);
  all.add(lowerLayerNorm);
}

} // namespace quipu
