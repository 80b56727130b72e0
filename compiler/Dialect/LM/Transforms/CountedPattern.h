// A pattern that counts what it rewrote in its pass's statistic, and its application until it matches nothing more.
#pragma once

#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quipu::lm {

template <typename Op> struct CountedPattern : mlir::OpRewritePattern<Op> {
  CountedPattern(mlir::MLIRContext *context, mlir::Pass::Statistic &count)
      : mlir::OpRewritePattern<Op>(context), count(count) {}

protected:
  mlir::Pass::Statistic &count;
};

template <typename Pattern> mlir::LogicalResult applyPattern(mlir::Operation *op, mlir::Pass::Statistic &count) {
  mlir::RewritePatternSet patterns(op->getContext());
  patterns.add<Pattern>(op->getContext(), count);
  return mlir::applyPatternsGreedily(op, std::move(patterns));
}

} // namespace quipu::lm
