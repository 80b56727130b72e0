#include "compiler/Conversion/LMToKernel/LaunchNames.h"
#include "compiler/Conversion/LMToKernel/OpLowerings.h"
#include "compiler/Conversion/LMToKernel/WeightOperands.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

static MatmulShape shapeOf(lm::MatmulOp op, Type element, Dim rows) {
  MatmulShape shape;
  shape.n = op.getOutFeatures();
  shape.k = op.getInFeatures();
  shape.storage = formatName(element);
  if (op.getActivation())
    shape.activation = lm::stringifyActivationKind(*op.getActivation()).str();
  shape.gated = op.getGated();
  shape.bias = static_cast<bool>(op.getBias());
  shape.residual = static_cast<bool>(op.getResidual());
  if (op.getScale())
    shape.scale = op.getScale()->convertToDouble();
  if (op.getSoftcap())
    shape.softcap = op.getSoftcap()->convertToDouble();
  if (op.getNormEps())
    shape.norm = NormShape{op.getNormEps()->convertToDouble(), op.getCentred(), static_cast<bool>(op.getShift())};
  shape.rows = rowsOf(rows);
  return shape;
}

static LogicalResult lowerMatmul(lm::MatmulOp op, StepLowering &step) {
  FailureOr<WeightSource> weight = resolveWeight(op, op.getWeight());
  FailureOr<Value> gain = step.vectorWeight(op, op.getGain());
  FailureOr<Value> bias = step.vectorWeight(op, op.getBias()), shift = step.vectorWeight(op, op.getShift());
  if (failed(weight) || failed(gain) || failed(bias) || failed(shift))
    return failure();
  Dim rows = step.dimOf(op.getX());
  MatmulShape shape = shapeOf(op, weight->type.getElementType(), rows);
  MatmulKernels kernels = step.kernels().matmul(shape);
  // A tied output projection reads the embedding's table; its name must not be the embedding's.
  std::string name = step.isReturned(op.getResult()) ? "logits" : weightLocation(weight->names);
  Value packed;
  if (kernels.packed.tile)
    packed = step.activation(name + ".packed", packedElement(kernels.packed, step.context()), rows,
                             kernels.packed.columns, kernels.packed.tile - 1);
  Value out = step.resultBuffer(op.getResult(), name, rows);
  Value panels = step.weight(*weight, *symbolizeLayout(step.kernels().matmulLayout(shape.gated)));
  return step.launch(op, name,
                     {{"x", step.bufferOf(op.getX())},
                      {"gain", *gain},
                      {"weight", panels},
                      {"bias", *bias},
                      {"residual", step.bufferOf(op.getResidual())},
                      {"shift", *shift},
                      {"packed", packed},
                      {"out", out}},
                     rows, std::move(kernels.variants));
}

void addMatmulLowerings(OpLowerings &all) { all.add(lowerMatmul); }

} // namespace quipu
