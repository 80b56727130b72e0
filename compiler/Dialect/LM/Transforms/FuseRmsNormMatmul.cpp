#include "compiler/Dialect/LM/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSERMSNORMMATMUL
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

/// Norm in the matmul's prologue: the normalised rows never go through memory.
struct FuseNorm : OpRewritePattern<MatmulOp> {
  FuseNorm(MLIRContext *context, Pass::Statistic &fused) : OpRewritePattern(context), fused(fused) {}

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    auto norm = op.getX().getDefiningOp<RmsNormOp>();
    if (!norm)
      return rewriter.notifyMatchFailure(op, "x is not an rms_norm");
    if (!norm->hasOneUse())
      return rewriter.notifyMatchFailure(op, "norm has other users");
    if (op.getGain())
      return rewriter.notifyMatchFailure(op, "matmul has a norm already");

    rewriter.modifyOpInPlace(op, [&] {
      op.getXMutable().assign(norm.getX());
      op.getGainMutable().assign(norm.getGain());
      op.setNormEpsAttr(norm.getEpsAttr());
    });
    rewriter.eraseOp(norm);
    ++fused;
    return success();
  }

private:
  Pass::Statistic &fused;
};

struct FuseRmsNormMatmul : quipu::lm::impl::FuseRmsNormMatmulBase<FuseRmsNormMatmul> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseNorm>(&getContext(), fused);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
