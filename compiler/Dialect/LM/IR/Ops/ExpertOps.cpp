#include "compiler/Dialect/LM/IR/LMOps.h"

using namespace mlir;
using namespace quipu::lm;

LogicalResult RouteOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                        SmallVectorImpl<Type> &results) {
  if (!isRowsType(adaptor.getLogits().getType()))
    return emitOptionalError(location, "'lm.route' op expected rows of logits, got ", adaptor.getLogits().getType());
  int64_t experts = cast<RankedTensorType>(adaptor.getLogits().getType()).getDimSize(1);
  auto chosen = static_cast<int64_t>(adaptor.getChosen());
  // (C1)
  if (chosen < 1 || chosen > experts)
    return emitOptionalError(location, "'lm.route' op expected to choose 1 to ", experts,
                             " experts (features of logits), got ", chosen);
  results.append({getChoiceType(context, chosen), getRowsType(context, chosen)});
  return success();
}

LogicalResult RouteOp::verify() {
  int64_t experts = getExperts();
  // (C2)
  if (getBias() && getBias().getType().getDimSize(0) != experts)
    return emitOpError("expected bias of size ")
           << experts << " (features of logits), got " << getBias().getType().getDimSize(0);
  // (C3)
  if (getScale() && !getScale()->isFinite())
    return emitOpError("expected scale that is finite, got ") << getScaleAttr();
  // (C4)
  auto groups = static_cast<int64_t>(getGroups()), kept = static_cast<int64_t>(getKeptGroups());
  if (groups < 1 || experts % groups != 0 || (groups > 1 && experts / groups < 2))
    return emitOpError("expected groups >= 1 of two experts or more that divide ")
           << experts << " (features of logits), got " << groups;
  // (C5)
  if (kept < 1 || kept > groups || kept * (experts / groups) < static_cast<int64_t>(getChosen()))
    return emitOpError("expected keep of 1 to ")
           << groups << " (groups) that leaves " << getChosen() << " experts, got " << kept;
  return success();
}

LogicalResult ExpertMatmulOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                               SmallVectorImpl<Type> &results) {
  Type weight = adaptor.getWeight().getType(), ids = adaptor.getIds().getType();
  if (!isWeightType(weight, 3) || !isChoiceType(ids))
    return emitOptionalError(location,
                             "'lm.expert_matmul' op expected a stack [experts, out, in] and ids of experts, got ",
                             weight, " and ", ids);
  int64_t rows = cast<RankedTensorType>(weight).getDimSize(1);
  // (C4)
  if (adaptor.getGated() && rows % 2 != 0)
    return emitOptionalError(location, "'lm.expert_matmul' op expected an even number of rows of a gated matrix, got ",
                             rows);
  int64_t products = adaptor.getCombine() ? 1 : cast<RankedTensorType>(ids).getDimSize(1);
  results.push_back(getRowsType(context, products * (adaptor.getGated() ? rows / 2 : rows)));
  return success();
}

LogicalResult ExpertMatmulOp::verify() {
  int64_t features = getX().getType().getDimSize(1), columns = getInFeatures(), chosen = getChosen();
  // (C1)
  if (features != columns && features != chosen * columns)
    return emitOpError("expected matrices of ")
           << features << " columns (features of x) or of " << chosen << " times less, got " << columns;
  // (C2)
  if (getCombine() && getCombine().getType().getDimSize(1) != chosen)
    return emitOpError("expected combine of ")
           << chosen << " features (experts of a token), got " << getCombine().getType().getDimSize(1);
  // (C3)
  if (getGated() && !getActivation())
    return emitOpError("expected an activation with gated");
  // (C5)
  if (getResidual() && !getCombine())
    return emitOpError("expected combine with residual");
  if (getResidual() && getResidual().getType() != getResult().getType())
    return emitOpError("expected residual of type ")
           << getResult().getType() << " (type of the result), got " << getResidual().getType();
  return success();
}
