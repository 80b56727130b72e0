#include "compiler/Dialect/LM/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSEMATMULACTIVATION
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

struct FuseActivation : OpRewritePattern<ActivationOp> {
  FuseActivation(MLIRContext *context, Pass::Statistic &fused) : OpRewritePattern(context), fused(fused) {}

  LogicalResult matchAndRewrite(ActivationOp op, PatternRewriter &rewriter) const override {
    auto matmul = op.getX().getDefiningOp<MatmulOp>();
    if (!matmul)
      return rewriter.notifyMatchFailure(op, "x is not a matmul");
    if (!matmul->hasOneUse())
      return rewriter.notifyMatchFailure(op, "matmul has other users");
    if (matmul.getActivation() || matmul.getResidual())
      return rewriter.notifyMatchFailure(op, "matmul has an activation or a residual already");

    rewriter.modifyOpInPlace(matmul, [&] { matmul.setActivationAttr(op.getKindAttr()); });
    rewriter.replaceOp(op, matmul);
    ++fused;
    return success();
  }

private:
  Pass::Statistic &fused;
};

struct FuseMatmulActivation : quipu::lm::impl::FuseMatmulActivationBase<FuseMatmulActivation> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseActivation>(&getContext(), fused);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
