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

struct FuseGatedActivation : quipu::lm::impl::FuseGatedActivationBase<FuseGatedActivation> {
  void runOnOperation() override {
    if (failed(applyPattern<FuseMulOfHalves>(getOperation(), fused)))
      signalPassFailure();
  }
};

} // namespace
