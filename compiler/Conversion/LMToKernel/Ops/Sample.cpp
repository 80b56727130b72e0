#include "compiler/Conversion/LMToKernel/OpLowerings.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

static LogicalResult lowerSample(lm::SampleOp op, StepLowering &step) {
  Dim dim = step.dimOf(op.getLogits());
  Value out = step.resultBuffer(op.getResult(), "sampled", dim);
  return step.launch(op, "sample",
                     {{"logits", step.bufferOf(op.getLogits())},
                      {"sampling", step.bufferOf(op.getSampling())},
                      {"seen", step.input("seen")},
                      {"out", out}},
                     dim, step.kernels().sample({featuresOf(op.getLogits()), rowsOf(dim)}));
}

void addSampleLowerings(OpLowerings &all) { all.add(lowerSample); }

} // namespace quipu
