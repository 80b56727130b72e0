#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSEGATEDACTIVATION
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

struct FuseMulOfHalves : CountedPattern<MulOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    auto activation = op.getLhs().getDefiningOp<ActivationOp>();
    Value factor = op.getRhs();
    if (!activation) {
      activation = op.getRhs().getDefiningOp<ActivationOp>();
      factor = op.getLhs();
    }
    if (!activation)
      return rewriter.notifyMatchFailure(op, "no factor is an activation");
    if (!activation->hasOneUse())
      return rewriter.notifyMatchFailure(op, "activation has other users");

    auto gate = activation.getX().getDefiningOp<SliceColumnsOp>();
    auto up = factor.getDefiningOp<SliceColumnsOp>();
    if (!gate || !up || gate.getX() != up.getX())
      return rewriter.notifyMatchFailure(op, "gate and up are not slices of one value");
    auto matmul = gate.getX().getDefiningOp<MatmulOp>();
    if (!matmul)
      return rewriter.notifyMatchFailure(op, "gate and up are not slices of a matmul");
    if (gate.getOffset() != 0 || up.getOffset() != gate.getSize() ||
        static_cast<int64_t>(2 * gate.getSize()) != matmul.getOutFeatures())
      return rewriter.notifyMatchFailure(op, "gate and up are not the first and the second half of the matmul");
    if (matmul.hasEpilogueAfterBias())
      return rewriter.notifyMatchFailure(op, "matmul has an activation, a scale or a residual already");
    if (!gate->hasOneUse() || !up->hasOneUse() || !matmul.getResult().hasNUses(2))
      return rewriter.notifyMatchFailure(op, "matmul has other users");

    auto fused = cast<MatmulOp>(rewriter.clone(*matmul));
    fused->setLoc(op.getLoc());
    fused.setActivationAttr(activation.getKindAttr());
    fused.setGated(true);
    fused.getResult().setType(cast<RankedTensorType>(op.getType()));
    rewriter.replaceOp(op, fused);
    ++count;
    return success();
  }
};

/// A projection of experts that only `user` reads and that nothing follows, with a weight of its own.
LogicalResult matchExperts(ExpertMatmulOp experts, MulOp user, PatternRewriter &rewriter) {
  if (!experts)
    return rewriter.notifyMatchFailure(user, "gate and up are not both projections of experts");
  if (experts.getActivation() || experts.getCombine())
    return rewriter.notifyMatchFailure(user, "projection of experts has an activation or is combined already");
  if (!experts->hasOneUse() || !experts.getWeight().hasOneUse())
    return rewriter.notifyMatchFailure(user, "projection of experts or its weight has other users");
  return success();
}

struct FuseMulOfExperts : CountedPattern<MulOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    auto activation = op.getLhs().getDefiningOp<ActivationOp>();
    Value factor = op.getRhs();
    if (!activation) {
      activation = op.getRhs().getDefiningOp<ActivationOp>();
      factor = op.getLhs();
    }
    if (!activation)
      return rewriter.notifyMatchFailure(op, "no factor is an activation");
    if (!activation->hasOneUse())
      return rewriter.notifyMatchFailure(op, "activation has other users");
    auto gate = activation.getX().getDefiningOp<ExpertMatmulOp>(), up = factor.getDefiningOp<ExpertMatmulOp>();
    if (failed(matchExperts(gate, op, rewriter)) || failed(matchExperts(up, op, rewriter)))
      return failure();
    if (gate.getX() != up.getX() || gate.getIds() != up.getIds())
      return rewriter.notifyMatchFailure(op, "gate and up read other rows, or are of other experts");
    if (gate.getWeight().getType() != up.getWeight().getType())
      return rewriter.notifyMatchFailure(op, "matrices of gate and up are of different types");

    SmallVector<Value> weights{gate.getWeight(), up.getWeight()};
    Value joined = ConcatRowsOp::create(rewriter, op.getLoc(), weights);
    auto fused =
        rewriter.replaceOpWithNewOp<ExpertMatmulOp>(op, gate.getX(), joined, gate.getIds(), activation.getKindAttr());
    fused->setLoc(rewriter.getFusedLoc({gate.getLoc(), up.getLoc()}));
    ++count;
    return success();
  }
};

struct FuseGatedActivation : quipu::lm::impl::FuseGatedActivationBase<FuseGatedActivation> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseMulOfHalves, FuseMulOfExperts>(&getContext(), fused);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
