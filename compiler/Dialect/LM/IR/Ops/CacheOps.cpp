#include "compiler/Dialect/LM/IR/LMOps.h"

#include <cmath>

using namespace mlir;
using namespace quipu::lm;

LogicalResult KvCacheOp::verify() {
  // (C1)
  auto layer = static_cast<int64_t>(getLayer());
  if (layer < 0)
    return emitOpError("expected layer >= 0, got ") << layer;
  return success();
}

/// Keys or values have the features of all heads.
static LogicalResult verifyAppended(Operation *op, StringRef name, Value rows, KvType cache) {
  int64_t expected = cache.getHeads() * cache.getDim();
  int64_t features = cast<RankedTensorType>(rows.getType()).getDimSize(1);
  if (features != expected)
    return op->emitOpError("expected ") << name << " of " << expected << " features (heads * dim of the cache), got "
                                        << features;
  return success();
}

LogicalResult KvAppendOp::verify() {
  KvType cache = getCache().getType();
  // (C1)
  if (failed(verifyAppended(*this, "k", getK(), cache)))
    return failure();
  // (C2)
  return verifyAppended(*this, "v", getV(), cache);
}

/// Query heads share the cache's heads evenly.
static LogicalResult verifyHeads(Operation *op, int64_t heads, KvType cache) {
  if (heads < 1 || heads > maxHeads || heads % cache.getHeads() != 0)
    return op->emitOpError("expected heads of 1 to ")
           << maxHeads << ", a multiple of " << cache.getHeads() << " (heads of the cache), got " << heads;
  return success();
}

LogicalResult CachedAttentionOp::verify() {
  auto heads = static_cast<int64_t>(getHeads());
  KvType cache = getCache().getType();
  // (C1)
  if (failed(verifyHeads(*this, heads, cache)))
    return failure();
  // (C2)
  int64_t features = getQ().getType().getDimSize(1);
  if (features != heads * cache.getDim())
    return emitOpError("expected q of ") << heads * cache.getDim() << " features (heads * dim of the cache), got "
                                         << features;
  // (C3)
  if (!getScale().isFinite() || getScale().convertToDouble() <= 0)
    return emitOpError("expected scale that is finite and > 0, got ") << getScaleAttr();
  // (C4)
  if (getWindow() && static_cast<int64_t>(*getWindow()) < 1)
    return emitOpError("expected window >= 1, got ") << static_cast<int64_t>(*getWindow());
  // (C5)
  if (getSoftcap() && (!getSoftcap()->isFinite() || getSoftcap()->convertToDouble() <= 0))
    return emitOpError("expected softcap that is finite and > 0, got ") << getSoftcapAttr();
  return success();
}

LogicalResult RopeAppendOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                             SmallVectorImpl<Type> &results) {
  auto cache = dyn_cast<KvType>(adaptor.getCache().getType());
  if (!cache)
    return emitOptionalError(location, "'lm.rope_append' op expected a KV cache, got ", adaptor.getCache().getType());
  // Verified only later: an absurd number of heads must not make an invalid type here.
  int64_t heads = std::clamp<int64_t>(adaptor.getHeads(), 1, maxHeads);
  results.append({getRowsType(context, heads * cache.getDim()), cache});
  return success();
}

static LogicalResult verifyHeadNorms(RopeAppendOp op) {
  // (C5)
  bool isThere = bool(op.getQGain());
  if (isThere != bool(op.getKGain()) || isThere != op.getNormEps().has_value())
    return op.emitOpError("expected q_norm, k_norm and eps together");
  if (!isThere && (op.getCentred() || op.getWhole()))
    return op.emitOpError("expected q_norm and k_norm with centred or whole");
  if (!isThere)
    return success();
  if (op.getCentred() && op.getWhole())
    return op.emitOpError("expected no whole with centred");
  if (!op.getNormEps()->isFinite() || op.getNormEps()->convertToDouble() < 0)
    return op.emitOpError("expected eps that is finite and >= 0, got ") << op.getNormEpsAttr();
  // (C6)
  KvType cache = op.getCache().getType();
  int64_t dim = cache.getDim(), q = op.getQGain().getType().getDimSize(0), k = op.getKGain().getType().getDimSize(0);
  bool ofOneHead = !op.getWhole() && q == dim && k == dim;
  bool ofAllHeads = q == static_cast<int64_t>(op.getHeads()) * dim && k == cache.getHeads() * dim;
  if (!ofOneHead && !ofAllHeads)
    return op.emitOpError("expected gains of one head (")
           << dim << " features) or of all heads, got " << q << " and " << k;
  return success();
}

static LogicalResult verifyQueryScale(RopeAppendOp op) {
  std::optional<ArrayRef<double>> scale = op.getQueryScale();
  // (C7)
  if (scale && (scale->size() != 2 || !std::isfinite((*scale)[0]) || (*scale)[1] < 1 ||
                (*scale)[1] > double(1LL << 31) || std::floor((*scale)[1]) != (*scale)[1]))
    return op.emitOpError("expected query_scale of a finite beta and a whole length of 1 to 2^31");
  return success();
}

LogicalResult RopeAppendOp::verify() {
  auto heads = static_cast<int64_t>(getHeads());
  KvType cache = getCache().getType();
  // (C1)
  if (failed(verifyHeads(*this, heads, cache)))
    return failure();
  // (C2)
  int64_t expected = (heads + (getV() ? 1 : 2) * cache.getHeads()) * cache.getDim();
  int64_t features = getQkv().getType().getDimSize(1);
  if (features != expected)
    return emitOpError("expected qkv of ")
           << expected << " features (" << (getV() ? "(heads + kv_heads)" : "(heads + 2 kv_heads)") << " * dim), got "
           << features;
  // (C3)
  if (getRope() && getRope()->getDim() != cache.getDim())
    return emitOpError("expected rope of dim ") << cache.getDim() << " (dim of the cache), got " << getRope()->getDim();
  // (C4)
  if (getV() && failed(verifyAppended(*this, "v", getV(), cache)))
    return failure();
  return failed(verifyHeadNorms(*this)) ? failure() : verifyQueryScale(*this);
}
