#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_REMOVEDEADWEIGHTS
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

struct RemoveDeadWeights : quipu::lm::impl::RemoveDeadWeightsBase<RemoveDeadWeights> {
  void runOnOperation() override {
    // From the end, so that a joined weight goes before its parts.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(getOperation().getBody().front()))) {
      if (!isa<WeightExpressionOpInterface>(op) || !op.use_empty())
        continue;
      removed += isa<WeightOp>(op);
      op.erase();
    }
  }
};

} // namespace
