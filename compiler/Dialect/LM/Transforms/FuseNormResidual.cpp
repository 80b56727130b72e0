#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSENORMRESIDUAL
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

struct FuseAdd : CountedPattern<AddOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    auto norm = op.getRhs().getDefiningOp<NormOpInterface>();
    Value residual = op.getLhs();
    if (!norm) {
      norm = op.getLhs().getDefiningOp<NormOpInterface>();
      residual = op.getRhs();
    }
    if (!norm)
      return rewriter.notifyMatchFailure(op, "no operand is a norm");
    if (!norm->hasOneUse())
      return rewriter.notifyMatchFailure(op, "norm has other users");
    if (norm.getAddedResidual())
      return rewriter.notifyMatchFailure(op, "norm has a residual already");

    // In the place of the add, where the residual is there whatever the order of the two operands.
    Operation *fused = rewriter.clone(*norm);
    fused->setLoc(op.getLoc());
    if (auto rms = dyn_cast<RmsNormOp>(fused))
      rms.getResidualMutable().assign(residual);
    else
      cast<LayerNormOp>(fused).getResidualMutable().assign(residual);
    rewriter.replaceOp(op, fused);
    rewriter.eraseOp(norm);
    ++count;
    return success();
  }
};

struct FuseNormResidual : quipu::lm::impl::FuseNormResidualBase<FuseNormResidual> {
  void runOnOperation() override {
    if (failed(applyPattern<FuseAdd>(getOperation(), fused)))
      signalPassFailure();
  }
};

} // namespace
