#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSEMATMULRESIDUAL
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

/// Where a matmul, or one of experts whose products are summed, takes a residual.
MutableOperandRange residualOf(Operation *op) {
  if (auto matmul = dyn_cast<MatmulOp>(op))
    return matmul.getResidualMutable();
  return cast<ExpertMatmulOp>(op).getResidualMutable();
}

/// The op behind a value if it can have a residual.
Operation *matmulOf(Value value) {
  Operation *op = value.getDefiningOp();
  auto experts = dyn_cast_or_null<ExpertMatmulOp>(op);
  return isa_and_present<MatmulOp>(op) || (experts && experts.getCombine()) ? op : nullptr;
}

struct FuseAdd : CountedPattern<AddOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    Operation *lhs = matmulOf(op.getLhs()), *rhs = matmulOf(op.getRhs());
    // Of two matmuls the later one: the other's result is there when it starts.
    bool rhsFirst = rhs && (!lhs || lhs->isBeforeInBlock(rhs));
    Operation *order[] = {rhsFirst ? rhs : lhs, rhsFirst ? lhs : rhs};
    for (Operation *matmul : order)
      if (matmul && succeeded(fuse(op, matmul, rewriter)))
        return success();
    return rewriter.notifyMatchFailure(op, "no operand is a matmul that can take a residual");
  }

private:
  LogicalResult fuse(AddOp op, Operation *matmul, PatternRewriter &rewriter) const {
    if (!matmul->hasOneUse())
      return rewriter.notifyMatchFailure(op, "matmul has other users");
    Value residual = op.getLhs() == matmul->getResult(0) ? op.getRhs() : op.getLhs();
    if (!residualOf(matmul).empty())
      return fuseBefore(op, matmul, residual, rewriter);

    // In the place of the add, where the residual is there whatever the order of the two operands.
    Operation *fused = rewriter.clone(*matmul);
    fused->setLoc(op.getLoc());
    residualOf(fused).assign(residual);
    rewriter.replaceOp(op, fused);
    rewriter.eraseOp(matmul);
    ++count;
    return success();
  }

  /// r + (a + b) is (r + a) + b: the matmul a, which is the residual of b, takes r.
  LogicalResult fuseBefore(AddOp op, Operation *matmul, Value residual, PatternRewriter &rewriter) const {
    Operation *first = matmulOf(residualOf(matmul)[0].get());
    if (!first || !first->hasOneUse() || !residualOf(first).empty())
      return rewriter.notifyMatchFailure(op, "matmul has a residual already");
    if (Operation *definition = residual.getDefiningOp(); definition && !definition->isBeforeInBlock(first))
      return rewriter.notifyMatchFailure(op, "residual is not there yet at the first of two matmuls");
    rewriter.modifyOpInPlace(first, [&] { residualOf(first).assign(residual); });
    rewriter.replaceOp(op, matmul);
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
