#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSENORMMATMUL
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
    auto norm = op.getX().getDefiningOp<NormOpInterface>();
    if (!norm)
      return rewriter.notifyMatchFailure(op, "x is not a norm");
    if (norm.getGroupCount() != 1)
      return rewriter.notifyMatchFailure(op, "norm is of several groups");
    if (!norm.getNormGain() || norm.getAddedResidual())
      return rewriter.notifyMatchFailure(op, "norm has no gain, or a residual");
    if (!llvm::all_of(norm->getUses(), isInputWithoutNorm))
      return rewriter.notifyMatchFailure(op, "norm has a reader that is no matmul, or one with a norm already");

    rewriter.modifyOpInPlace(op, [&] {
      op.getXMutable().assign(norm.getNormInput());
      op.getGainMutable().assign(norm.getNormGain());
      if (norm.getNormBias())
        op.getShiftMutable().assign(norm.getNormBias());
      op.setNormEps(norm.getEpsilon());
      op.setCentred(norm.isCentred());
    });
    if (norm->use_empty()) {
      rewriter.eraseOp(norm);
      ++count;
    }
    return success();
  }
};

struct FuseNormMatmul : quipu::lm::impl::FuseNormMatmulBase<FuseNormMatmul> {
  void runOnOperation() override {
    if (failed(applyPattern<FuseNorm>(getOperation(), fused)))
      signalPassFailure();
  }
};

} // namespace
