#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSEMATMULRESIDUAL
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

struct FuseAdd : CountedPattern<AddOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    auto lhs = op.getLhs().getDefiningOp<MatmulOp>();
    auto rhs = op.getRhs().getDefiningOp<MatmulOp>();
    // Of two matmuls the later one: the other's result is there when it starts.
    bool rhsFirst = rhs && (!lhs || lhs->isBeforeInBlock(rhs));
    MatmulOp order[] = {rhsFirst ? rhs : lhs, rhsFirst ? lhs : rhs};
    for (MatmulOp matmul : order)
      if (matmul && succeeded(fuse(op, matmul, rewriter)))
        return success();
    return rewriter.notifyMatchFailure(op, "no operand is a matmul that can take a residual");
  }

private:
  LogicalResult fuse(AddOp op, MatmulOp matmul, PatternRewriter &rewriter) const {
    if (!matmul->hasOneUse())
      return rewriter.notifyMatchFailure(op, "matmul has other users");
    if (matmul.getResidual())
      return rewriter.notifyMatchFailure(op, "matmul has a residual already");

    // In the place of the add, where the residual is there whatever the order of the two operands.
    Value residual = op.getLhs() == matmul.getResult() ? op.getRhs() : op.getLhs();
    auto fused = cast<MatmulOp>(rewriter.clone(*matmul));
    fused->setLoc(op.getLoc());
    fused.getResidualMutable().assign(residual);
    rewriter.replaceOp(op, fused);
    rewriter.eraseOp(matmul);
    ++count;
    return success();
  }
};

struct FuseMatmulResidual : quipu::lm::impl::FuseMatmulResidualBase<FuseMatmulResidual> {
  void runOnOperation() override {
    if (failed(applyPattern<FuseAdd>(getOperation(), fused)))
      signalPassFailure();
  }
};

} // namespace
