// Positions, attention and the KV cache.
#include "compiler/Reference/Evaluation.h"
#include "runtime/Artifact/StorageFormat.h"

namespace quipu::reference {
namespace {

fb::DType cacheDtype(lm::KvType type) {
  return type.getElem().isInteger(8) ? fb::DType::i8 : lm::getStorageFormat(type.getElem())->dtype;
}

Rope ropeOf(lm::RopeAttr attr) {
  return {attr.getDim(), attr.getRotated(), attr.getLayout() == lm::RopeLayout::interleaved, attr.getAttentionFactor(),
          attr.getInvFreq().vec()};
}

std::optional<double> capOf(std::optional<llvm::APFloat> cap) {
  return cap ? std::optional<double>(cap->convertToDouble()) : std::nullopt;
}

std::optional<int64_t> windowOf(std::optional<uint64_t> window) {
  return window ? std::optional<int64_t>(*window) : std::nullopt;
}

Results evalRope(Evaluation &e, lm::RopeOp op) {
  return resultsOf(rope(e.tensor(op.getX()), e.ints(op.getPositions()), ropeOf(op.getRope())));
}

Results evalPositionScale(Evaluation &e, lm::PositionScaleOp op) {
  return resultsOf(positionScale(e.tensor(op.getX()), e.ints(op.getPositions()), op.getBeta().convertToDouble(),
                                 int64_t(op.getLength())));
}

Results evalAttention(Evaluation &e, lm::AttentionOp op) {
  AttentionShape shape{int64_t(op.getHeads()), int64_t(op.getKvHeads()), op.getScale().convertToDouble(),
                       windowOf(op.getWindow()), capOf(op.getSoftcap())};
  return resultsOf(attention(e.tensor(op.getQ()), e.tensor(op.getK()), e.tensor(op.getV()), shape, op.getCausal()));
}

Results evalKvCache(Evaluation &e, lm::KvCacheOp op) {
  std::shared_ptr<Cache> &held = e.caches[op.getLayer()];
  if (!held)
    held = std::make_shared<Cache>();
  return resultsOf(held);
}

Results evalKvAppend(Evaluation &e, lm::KvAppendOp op) {
  kvAppend(*e.cache(op.getCache()), e.tensor(op.getK()), e.tensor(op.getV()), e.batch(op.getBatch()),
           cacheDtype(op.getCache().getType()), op.getCache().getType().getDim());
  return resultsOf(e.cache(op.getCache()));
}

Results evalCachedAttention(Evaluation &e, lm::CachedAttentionOp op) {
  AttentionShape shape{int64_t(op.getHeads()), op.getCache().getType().getHeads(), op.getScale().convertToDouble(),
                       windowOf(op.getWindow()), capOf(op.getSoftcap())};
  return resultsOf(cachedAttention(e.tensor(op.getQ()), *e.cache(op.getCache()), e.batch(op.getBatch()), shape));
}

Results evalRopeAppend(Evaluation &e, lm::RopeAppendOp op) {
  const Tensor &qkv = e.tensor(op.getQkv());
  const IntTensor &positions = e.ints(op.getPositions());
  lm::KvType type = op.getCache().getType();
  int64_t heads = int64_t(op.getHeads()), kv = type.getHeads() * type.getDim(), width = heads * type.getDim();
  Tensor q = sliceColumns(qkv, 0, width), k = sliceColumns(qkv, width, kv);
  Tensor v = op.getV() ? e.tensor(op.getV()) : sliceColumns(qkv, width + kv, kv);
  if (op.getQGain()) {
    auto normed = [&](const Tensor &x, mlir::Value gain, int64_t groups) {
      return norm(x, e.weight(gain).get(), /*bias=*/nullptr,
                  {op.getCentred(), op.getNormEps()->convertToDouble(), op.getWhole() ? 1 : groups});
    };
    q = normed(q, op.getQGain(), heads);
    k = normed(k, op.getKGain(), type.getHeads());
  }
  if (auto attr = op.getRopeAttr()) {
    q = rope(std::move(q), positions, ropeOf(attr));
    k = rope(std::move(k), positions, ropeOf(attr));
  }
  if (auto scale = op.getQueryScale())
    q = positionScale(std::move(q), positions, (*scale)[0], int64_t((*scale)[1]));
  kvAppend(*e.cache(op.getCache()), k, v, e.batch(op.getBatch()), cacheDtype(type), type.getDim());
  return resultsOf(std::move(q), e.cache(op.getCache()));
}

} // namespace

llvm::ArrayRef<OpEval> attentionEvals() {
  static const OpEval table[] = {
      eval<evalRope>(),     eval<evalPositionScale>(),   eval<evalAttention>(),  eval<evalKvCache>(),
      eval<evalKvAppend>(), eval<evalCachedAttention>(), eval<evalRopeAppend>(),
  };
  return table;
}

} // namespace quipu::reference
