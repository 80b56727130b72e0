#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSEMATMULACTIVATION
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

struct FuseActivation : CountedPattern<ActivationOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(ActivationOp op, PatternRewriter &rewriter) const override {
    auto matmul = op.getX().getDefiningOp<MatmulOp>();
    if (!matmul)
      return rewriter.notifyMatchFailure(op, "x is not a matmul");
    if (!matmul->hasOneUse())
      return rewriter.notifyMatchFailure(op, "matmul has other users");
    if (matmul.hasEpilogueAfterBias())
      return rewriter.notifyMatchFailure(op, "matmul has an activation, a scale or a residual already");

    rewriter.modifyOpInPlace(matmul, [&] { matmul.setActivationAttr(op.getKindAttr()); });
    rewriter.replaceOp(op, matmul);
    ++count;
    return success();
  }
};

struct FuseMatmulActivation : quipu::lm::impl::FuseMatmulActivationBase<FuseMatmulActivation> {
  void runOnOperation() override {
    if (failed(applyPattern<FuseActivation>(getOperation(), fused)))
      signalPassFailure();
  }
};

} // namespace
