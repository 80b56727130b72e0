#include "compiler/Conversion/LMToKernel/LaunchNames.h"
#include "compiler/Conversion/LMToKernel/OpLowerings.h"
#include "compiler/Conversion/LMToKernel/WeightOperands.h"
#include "runtime/Support/Rounding.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

static LogicalResult lowerRoute(lm::RouteOp op, StepLowering &step) {
  FailureOr<Value> bias = step.vectorWeight(op, op.getBias());
  if (failed(bias))
    return failure();
  RouteShape shape;
  shape.experts = op.getExperts();
  shape.chosen = static_cast<int64_t>(op.getChosen());
  shape.score = lm::stringifyRouteScore(op.getScore()).str();
  shape.normalize = op.getNormalize();
  shape.bias = static_cast<bool>(op.getBias());
  if (op.getScale())
    shape.scale = op.getScale()->convertToDouble();
  shape.groups = static_cast<int64_t>(op.getGroups());
  shape.keptGroups = static_cast<int64_t>(op.getKeptGroups());
  std::string name = step.indexedName(op, "route");
  Dim rows = step.dimOf(op.getLogits());
  Value ids = step.resultBuffer(op.getIds(), name + ".ids", rows);
  Value weights = step.resultBuffer(op.getWeights(), name, rows);
  return step.launch(op, name,
                     {{"logits", step.bufferOf(op.getLogits())}, {"bias", *bias}, {"ids", ids}, {"weights", weights}},
                     rows, shape.spec());
}

static ExpertShape shapeOf(lm::ExpertMatmulOp op) {
  ExpertShape shape;
  shape.experts = op.getExperts();
  shape.chosen = op.getChosen();
  shape.n = op.getOutFeatures();
  shape.k = op.getInFeatures();
  shape.storage = formatName(op.getWeight().getType().getElementType());
  if (op.getActivation())
    shape.activation = lm::stringifyActivationKind(*op.getActivation()).str();
  shape.gated = op.getGated();
  shape.combine = static_cast<bool>(op.getCombine());
  shape.residual = static_cast<bool>(op.getResidual());
  shape.readsParts = op.readsParts();
  return shape;
}

// The numbers of experts and rows that ExpertGroups.h describes, in rows of a token's experts.
static Value groupsBuffer(StepLowering &step, const std::string &name, const ExpertShape &shape, Dim rows) {
  int64_t header = divideUp(roundUp(2 * shape.experts + 2, 16), shape.chosen);
  return step.activation(name + ".groups", IntegerType::get(step.context(), 32), rows, shape.chosen, header);
}

static LogicalResult lowerExpertMatmul(lm::ExpertMatmulOp op, StepLowering &step) {
  FailureOr<WeightSource> weight = resolveWeight(op, op.getWeight());
  if (failed(weight))
    return failure();
  ExpertShape shape = shapeOf(op);
  std::optional<MatmulKernels> kernels = step.kernels().experts(shape);
  if (!kernels)
    return op.emitError("this target has no kernels for models of routed experts");
  Dim rows = step.dimOf(op.getX());
  std::string name = weightLocation(weight->names);
  Value groups = groupsBuffer(step, name, shape, rows);
  Value packed = step.activation(name + ".packed", packedElement(kernels->packed, step.context()), rows,
                                 shape.chosen * kernels->packed.columns);
  Value out = step.resultBuffer(op.getResult(), name, rows);
  Value panels = step.weight(*weight, *symbolizeLayout(step.kernels().matmulLayout(shape.gated)));
  return step.launch(op, name,
                     {{"x", step.bufferOf(op.getX())},
                      {"weight", panels},
                      {"ids", step.bufferOf(op.getIds())},
                      {"combine", step.bufferOf(op.getCombine())},
                      {"residual", step.bufferOf(op.getResidual())},
                      {"groups", groups},
                      {"packed", packed},
                      {"out", out}},
                     rows, std::move(kernels->variants));
}

void addExpertsLowerings(OpLowerings &all) {
  all.add(lowerRoute);
  all.add(lowerExpertMatmul);
}

} // namespace quipu
