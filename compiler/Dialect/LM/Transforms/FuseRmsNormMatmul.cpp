#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSERMSNORMMATMUL
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

/// Whether a norm can move to where it is read.
bool isInputWithoutNorm(OpOperand &use) {
  auto matmul = dyn_cast<MatmulOp>(use.getOwner());
  return matmul && &use == &matmul.getXMutable() && !matmul.getGain();
}

/// Norm in the matmul's prologue: the normalised rows never go through memory.
struct FuseNorm : CountedPattern<MatmulOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    auto norm = op.getX().getDefiningOp<RmsNormOp>();
    if (!norm)
      return rewriter.notifyMatchFailure(op, "x is not an rms_norm");
    if (!llvm::all_of(norm->getUses(), isInputWithoutNorm))
      return rewriter.notifyMatchFailure(op, "norm has a reader that is no matmul, or one with a norm already");

    rewriter.modifyOpInPlace(op, [&] {
      op.getXMutable().assign(norm.getX());
      op.getGainMutable().assign(norm.getGain());
      op.setNormEpsAttr(norm.getEpsAttr());
    });
    if (norm->use_empty()) {
      rewriter.eraseOp(norm);
      ++count;
    }
    return success();
  }
};

struct FuseRmsNormMatmul : quipu::lm::impl::FuseRmsNormMatmulBase<FuseRmsNormMatmul> {
  void runOnOperation() override {
    if (failed(applyPattern<FuseNorm>(getOperation(), fused)))
      signalPassFailure();
  }
};

} // namespace
