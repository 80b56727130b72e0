#include "compiler/Conversion/LMToKernel/OpLowerings.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

static LogicalResult lowerSample(lm::SampleOp op, StepLowering &step) {
  Dim dim = step.dimOf(op.getLogits());
  Value out = step.resultBuffer(op.getResult(), "sampled", dim);
  step.launch(op, "sample", {step.bufferOf(op.getLogits()), step.bufferOf(op.getSampling()), step.input("seen")}, {out},
              dim, step.kernels().sample({featuresOf(op.getLogits()), rowsOf(dim)}));
  return success();
}

void addSampleLowerings(OpLowerings &all) { all.add(lowerSample); }

} // namespace quipu
