#include "compiler/Dialect/LM/IR/LMOps.h"

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
  return getV() ? verifyAppended(*this, "v", getV(), cache) : success();
}
