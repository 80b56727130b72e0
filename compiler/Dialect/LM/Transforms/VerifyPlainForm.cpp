#include "compiler/Dialect/LM/Transforms/Passes.h"
#include "compiler/Dialect/LM/Transforms/VerifyForm.h"

namespace quipu::lm {
#define GEN_PASS_DEF_VERIFYPLAINFORM
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

static LogicalResult verifyPlainOp(Operation *op) {
  if (isa<KvCacheOp, KvAppendOp, CachedAttentionOp, RopeAppendOp>(op))
    return op->emitOpError("is of the cached form, which --lm-insert-kv-cache makes of the plain form");
  if (auto attention = dyn_cast<AttentionOp>(op); attention && !attention.getCausal())
    return op->emitOpError("expected causal attention in the plain form");
  return verifyWeightOperands(op);
}

LogicalResult quipu::lm::verifyPlainForm(FuncOp func) {
  ArrayRef<Type> arguments = func.getArgumentTypes();
  if (arguments.size() != 2 || !llvm::all_of(arguments, isIntsType))
    return func.emitOpError("expected the plain form's arguments (ids, positions: tensor<?xi32>), got ")
           << func.getFunctionType();
  ArrayRef<Type> results = func.getResultTypes();
  if (results.size() != 1 || !isRowsType(results[0]))
    return func.emitOpError("expected the plain form's result (logits: tensor<?xVxf32>), got ")
           << func.getFunctionType();
  for (Operation &op : func.getBody().getOps())
    if (failed(verifyPlainOp(&op)))
      return failure();
  return success();
}

namespace {

struct VerifyPlainForm : quipu::lm::impl::VerifyPlainFormBase<VerifyPlainForm> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    if (failed(verifyPlainForm(getOperation())))
      signalPassFailure();
  }
};

} // namespace
