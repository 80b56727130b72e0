#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_JOINPROJECTIONS
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

bool isConstant(Operation *op) { return isa<WeightExpressionOpInterface>(op); }

/// Weight values are constants that only the matmul reads: the joined weight replaces them.
LogicalResult matchOwnedWeight(PatternRewriter &rewriter, MatmulOp op, Value weight) {
  Operation *constant = weight.getDefiningOp();
  if (!constant || !isConstant(constant))
    return rewriter.notifyMatchFailure(op, "weight or bias is not a constant");
  if (!weight.hasOneUse())
    return rewriter.notifyMatchFailure(op, "weight or bias has other users");
  return success();
}

LogicalResult matchJoinable(PatternRewriter &rewriter, MatmulOp op) {
  if (op.getGain())
    return rewriter.notifyMatchFailure(op, "matmul has a norm of its own");
  if (op.hasEpilogueAfterBias())
    return rewriter.notifyMatchFailure(op, "matmul has an activation, a scale or a residual");
  if (failed(matchOwnedWeight(rewriter, op, op.getWeight())))
    return failure();
  return op.getBias() ? matchOwnedWeight(rewriter, op, op.getBias()) : success();
}

/// Whether `next` can share one matmul with `first`, both being joinable by themselves.
LogicalResult matchSameKind(PatternRewriter &rewriter, MatmulOp first, MatmulOp next) {
  if (next.getX() != first.getX())
    return rewriter.notifyMatchFailure(next, "matmul reads another x");
  if (next.getWeight().getType().getElementType() != first.getWeight().getType().getElementType())
    return rewriter.notifyMatchFailure(next, "weights are of different storage types");
  if (bool(next.getBias()) != bool(first.getBias()))
    return rewriter.notifyMatchFailure(next, "only some of the matmuls have a bias");
  if (next.getBias() && next.getBias().getType().getElementType() != first.getBias().getType().getElementType())
    return rewriter.notifyMatchFailure(next, "biases are of different storage types");
  return success();
}

/// The matmul before or after `op` with nothing but constants between.
MatmulOp neighbour(Operation *op, bool forward) {
  do
    op = forward ? op->getNextNode() : op->getPrevNode();
  while (op && isConstant(op));
  return dyn_cast_or_null<MatmulOp>(op);
}

struct JoinAdjacentMatmuls : CountedPattern<MatmulOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(MatmulOp first, PatternRewriter &rewriter) const override {
    if (failed(matchJoinable(rewriter, first)))
      return failure();
    auto joins = [&](MatmulOp other) {
      return other && succeeded(matchJoinable(rewriter, other)) && succeeded(matchSameKind(rewriter, first, other));
    };
    // Whatever order the driver visits matmuls in, a run is joined in one piece.
    if (joins(neighbour(first, /*forward=*/false)))
      return rewriter.notifyMatchFailure(first, "matmul is not the first of its run");
    SmallVector<MatmulOp> group{first};
    for (MatmulOp next = neighbour(first, /*forward=*/true); joins(next); next = neighbour(next, /*forward=*/true))
      group.push_back(next);
    if (group.size() == 1)
      return rewriter.notifyMatchFailure(first, "no matmul to join follows");
    join(group, rewriter);
    count += group.size();
    return success();
  }

private:
  void join(ArrayRef<MatmulOp> group, PatternRewriter &rewriter) const {
    MatmulOp first = group.front();
    // After the last of the group, where all weights are defined.
    rewriter.setInsertionPointAfter(group.back());
    SmallVector<Location> locations;
    SmallVector<Value> weights, biases;
    for (MatmulOp op : group) {
      locations.push_back(op.getLoc());
      weights.push_back(op.getWeight());
      if (op.getBias())
        biases.push_back(op.getBias());
    }
    Location location = rewriter.getFusedLoc(locations);
    Value weight = ConcatRowsOp::create(rewriter, location, weights);
    auto matmul = MatmulOp::create(rewriter, location, first.getX(), weight);
    if (!biases.empty()) {
      rewriter.setInsertionPoint(matmul);
      Value bias = ConcatRowsOp::create(rewriter, location, biases);
      matmul.getBiasMutable().assign(bias);
      rewriter.setInsertionPointAfter(matmul);
    }
    int64_t offset = 0;
    for (MatmulOp op : group) {
      int64_t size = op.getOutFeatures();
      rewriter.replaceOpWithNewOp<SliceColumnsOp>(op, matmul.getResult(), offset, size);
      offset += size;
    }
  }
};

struct JoinProjections : quipu::lm::impl::JoinProjectionsBase<JoinProjections> {
  void runOnOperation() override {
    if (failed(applyPattern<JoinAdjacentMatmuls>(getOperation(), joined)))
      signalPassFailure();
  }
};

} // namespace
