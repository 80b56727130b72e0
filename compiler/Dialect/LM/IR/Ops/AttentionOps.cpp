#include "compiler/Dialect/LM/IR/LMOps.h"

using namespace mlir;
using namespace quipu::lm;

LogicalResult RopeOp::verify() {
  // (C1)
  int64_t features = getX().getType().getDimSize(1);
  if (features % getRope().getDim() != 0)
    return emitOpError("expected features of x to be a multiple of ")
           << getRope().getDim() << " (dim of the rope), got " << features;
  return success();
}

LogicalResult AttentionOp::verify() {
  auto heads = static_cast<int64_t>(getHeads());
  auto kvHeads = static_cast<int64_t>(getKvHeads());
  // (C1)
  if (heads < 1 || heads > maxHeads || kvHeads < 1 || heads % kvHeads != 0)
    return emitOpError("expected heads to be a multiple of kv_heads, both of 1 to ")
           << maxHeads << ", got " << heads << " and " << kvHeads;
  // (C2)
  int64_t features = getQ().getType().getDimSize(1);
  if (features % heads != 0)
    return emitOpError("expected features of q to be a multiple of ") << heads << " (heads), got " << features;
  // (C3)
  int64_t kvFeatures = kvHeads * getHeadDim();
  for (auto [name, value] : {std::pair("k", getK()), std::pair("v", getV())})
    if (value.getType().getDimSize(1) != kvFeatures)
      return emitOpError("expected ") << name << " of " << kvFeatures << " features (kv_heads * dim), got "
                                      << value.getType().getDimSize(1);
  // (C4)
  if (!getScale().isFinite() || getScale().convertToDouble() <= 0)
    return emitOpError("expected scale that is finite and > 0, got ") << getScaleAttr();
  // (C5)
  if (getWindow() && static_cast<int64_t>(*getWindow()) < 1)
    return emitOpError("expected window >= 1, got ") << static_cast<int64_t>(*getWindow());
  if (getWindow() && !getCausal())
    return emitOpError("expected causal with window");
  // (C6)
  if (getSoftcap() && (!getSoftcap()->isFinite() || getSoftcap()->convertToDouble() <= 0))
    return emitOpError("expected softcap that is finite and > 0, got ") << getSoftcapAttr();
  return success();
}

LogicalResult PositionScaleOp::verify() {
  // (C1)
  if (!getBeta().isFinite())
    return emitOpError("expected beta that is finite, got ") << getBetaAttr();
  // (C2)
  if (static_cast<int64_t>(getLength()) < 1)
    return emitOpError("expected length >= 1, got ") << static_cast<int64_t>(getLength());
  return success();
}
