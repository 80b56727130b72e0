#include "compiler/Conversion/LMToKernel/LaunchNames.h"
#include "compiler/Conversion/LMToKernel/OpLowerings.h"
#include "compiler/Conversion/LMToKernel/WeightOperands.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

static LogicalResult lowerRmsNorm(lm::RmsNormOp op, StepLowering &step) {
  FailureOr<WeightSource> source = resolveWeight(op, op.getGain());
  FailureOr<Value> gain = step.vectorWeight(op, op.getGain());
  if (failed(source) || failed(gain))
    return failure();
  Dim dim = step.dimOf(op.getX());
  std::string name = weightLocation(source->names);
  int64_t n = featuresOf(op.getX());
  Value out = step.resultBuffer(op.getResult(), name, dim);
  return step.launch(op, name, {{"x", step.bufferOf(op.getX())}, {"gain", *gain}, {"out", out}}, dim,
                     {llvm::formatv("rms_norm{0}_n{1}", rowsSuffix(rowsOf(dim)), n),
                      "rms_norm",
                      {{"n", n}, {"eps", op.getEps().convertToDouble()}, {"rows_dim", static_cast<int64_t>(dim)}}});
}

void addNormLowerings(OpLowerings &all) { all.add(lowerRmsNorm); }

} // namespace quipu
