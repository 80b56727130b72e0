#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSESCALE
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

/// A matmul that only `op` reads and that ends before its scale.
FailureOr<MatmulOp> matchMatmul(Operation *op, PatternRewriter &rewriter) {
  auto matmul = op->getOperand(0).getDefiningOp<MatmulOp>();
  if (!matmul)
    return rewriter.notifyMatchFailure(op, "x is not a matmul");
  if (!matmul->hasOneUse())
    return rewriter.notifyMatchFailure(op, "matmul has other users");
  if (matmul.getSoftcap() || matmul.getResidual())
    return rewriter.notifyMatchFailure(op, "matmul has a softcap or a residual already");
  return matmul;
}

struct ScaleOfMatmul : CountedPattern<ScaleOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(ScaleOp op, PatternRewriter &rewriter) const override {
    FailureOr<MatmulOp> matmul = matchMatmul(op, rewriter);
    if (failed(matmul))
      return failure();
    if (matmul->getScale())
      return rewriter.notifyMatchFailure(op, "matmul has a scale already");
    rewriter.modifyOpInPlace(*matmul, [&] { matmul->setScaleAttr(op.getFactorAttr()); });
    rewriter.replaceOp(op, *matmul);
    ++count;
    return success();
  }
};

struct SoftcapOfMatmul : CountedPattern<SoftcapOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(SoftcapOp op, PatternRewriter &rewriter) const override {
    FailureOr<MatmulOp> matmul = matchMatmul(op, rewriter);
    if (failed(matmul))
      return failure();
    rewriter.modifyOpInPlace(*matmul, [&] { matmul->setSoftcapAttr(op.getCapAttr()); });
    rewriter.replaceOp(op, *matmul);
    ++count;
    return success();
  }
};

struct ScaleOfEmbedding : CountedPattern<ScaleOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(ScaleOp op, PatternRewriter &rewriter) const override {
    auto embedding = op.getX().getDefiningOp<EmbeddingOp>();
    if (!embedding)
      return rewriter.notifyMatchFailure(op, "x is not an embedding");
    if (!embedding->hasOneUse() || embedding.getScale())
      return rewriter.notifyMatchFailure(op, "embedding has other users or a scale already");
    rewriter.modifyOpInPlace(embedding, [&] { embedding.setScaleAttr(op.getFactorAttr()); });
    rewriter.replaceOp(op, embedding);
    ++count;
    return success();
  }
};

/// The sum of experts' products times a constant: their weights are, once for each token.
struct ScaleOfExperts : CountedPattern<ScaleOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(ScaleOp op, PatternRewriter &rewriter) const override {
    auto experts = op.getX().getDefiningOp<ExpertMatmulOp>();
    if (!experts || !experts.getCombine())
      return rewriter.notifyMatchFailure(op, "x is not a sum of experts' products");
    if (!experts->hasOneUse() || experts.getResidual())
      return rewriter.notifyMatchFailure(op, "sum of experts has other users or a residual already");
    auto route = experts.getCombine().getDefiningOp<RouteOp>();
    if (!route || !experts.getCombine().hasOneUse())
      return rewriter.notifyMatchFailure(op, "weights are not a route's, or have other users");
    double own = route.getScale() ? route.getScale()->convertToDouble() : 1;
    rewriter.modifyOpInPlace(
        route, [&] { route.setScaleAttr(rewriter.getF64FloatAttr(own * op.getFactor().convertToDouble())); });
    rewriter.replaceOp(op, experts);
    ++count;
    return success();
  }
};

struct FuseScale : quipu::lm::impl::FuseScaleBase<FuseScale> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ScaleOfMatmul, SoftcapOfMatmul, ScaleOfEmbedding, ScaleOfExperts>(&getContext(), fused);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
