#include "compiler/Dialect/LM/IR/LMOps.h"

#include <cmath>

using namespace mlir;
using namespace quipu::lm;

LogicalResult EmbeddingOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &results) {
  Type table = adaptor.getTable().getType();
  if (!isWeightType(table, 2))
    return emitOptionalError(location, "'lm.embedding' op expected a table [ids, features], got ", table);
  results.push_back(getRowsType(context, cast<RankedTensorType>(table).getDimSize(1)));
  return success();
}

LogicalResult EmbeddingOp::verify() {
  // (C1)
  if (getScale() && !getScale()->isFinite())
    return emitOpError("expected scale that is finite, got ") << getScaleAttr();
  return success();
}

LogicalResult ScaleOp::verify() {
  // (C1)
  if (!getFactor().isFinite())
    return emitOpError("expected factor that is finite, got ") << getFactorAttr();
  return success();
}

LogicalResult SoftcapOp::verify() {
  // (C1)
  if (!getCap().isFinite() || getCap().convertToDouble() <= 0)
    return emitOpError("expected cap that is finite and > 0, got ") << getCapAttr();
  return success();
}

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &results) {
  Type weight = adaptor.getWeight().getType();
  if (!isWeightType(weight, 2))
    return emitOptionalError(location, "'lm.matmul' op expected a weight [out, in], got ", weight);
  int64_t rows = cast<RankedTensorType>(weight).getDimSize(0);
  // (C6)
  if (adaptor.getGated() && rows % 2 != 0)
    return emitOptionalError(location, "'lm.matmul' op expected an even number of rows of a gated weight, got ", rows);
  results.push_back(getRowsType(context, adaptor.getGated() ? rows / 2 : rows));
  return success();
}

LogicalResult MatmulOp::verify() {
  int64_t inFeatures = getInFeatures();
  // (C1)
  int64_t columns = getWeight().getType().getDimSize(1);
  if (columns != inFeatures)
    return emitOpError("expected weight of ") << inFeatures << " columns (features of x), got " << columns;
  // (C2)
  if (getGain() && getGain().getType().getDimSize(0) != inFeatures)
    return emitOpError("expected gain of size ")
           << inFeatures << " (features of x), got " << getGain().getType().getDimSize(0);
  // (C3)
  if (bool(getGain()) != getNormEps().has_value())
    return emitOpError("expected norm_eps if and only if there is a gain");
  if (getNormEps() && (!getNormEps()->isFinite() || getNormEps()->convertToDouble() < 0))
    return emitOpError("expected norm_eps that is finite and >= 0, got ") << getNormEpsAttr();
  // (C4)
  int64_t rows = getWeight().getType().getDimSize(0);
  if (getBias() && getBias().getType().getDimSize(0) != rows)
    return emitOpError("expected bias of size ")
           << rows << " (rows of the weight), got " << getBias().getType().getDimSize(0);
  // (C5)
  if (getGated() && !getActivation())
    return emitOpError("expected an activation with gated");
  // (C7)
  if (getResidual() && getResidual().getType() != getResult().getType())
    return emitOpError("expected residual of type ")
           << getResult().getType() << " (type of the result), got " << getResidual().getType();
  // (C8)
  if (getCentred() && !getGain())
    return emitOpError("expected a norm with centred");
  if (getShift() && (!getCentred() || getShift().getType().getDimSize(0) != inFeatures))
    return emitOpError("expected shift with centred only, and of size ") << inFeatures << " (features of x)";
  // (C9)
  if (getScale() && !getScale()->isFinite())
    return emitOpError("expected scale that is finite, got ") << getScaleAttr();
  if (getSoftcap() && (!getSoftcap()->isFinite() || getSoftcap()->convertToDouble() <= 0))
    return emitOpError("expected softcap that is finite and > 0, got ") << getSoftcapAttr();
  return success();
}
