#include "compiler/Dialect/LM/Transforms/Passes.h"
#include "compiler/Dialect/LM/Transforms/VerifyForm.h"

namespace quipu::lm {
#define GEN_PASS_DEF_VERIFYCACHEDFORM
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

static LogicalResult verifySignature(FuncOp func) {
  ArrayRef<Type> arguments = func.getArgumentTypes();
  if (arguments.size() != 5 || !llvm::all_of(arguments.take_front(3), isIntsType) || !isa<BatchType>(arguments[3]) ||
      !isa<SamplingType>(arguments[4]))
    return func.emitOpError("expected the cached form's arguments (ids, positions, rows: tensor<?xi32>, batch: "
                            "!lm.batch, sampling: !lm.sampling), got ")
           << func.getFunctionType() << ": run --lm-insert-kv-cache first";
  ArrayRef<Type> results = func.getResultTypes();
  if (results.size() != 2 || !isRowsType(results[0]) || !isIntsType(results[1]))
    return func.emitOpError(
               "expected the cached form's results (logits: tensor<?xVxf32>, sampled: tensor<?xi32>), got ")
           << func.getFunctionType() << ": run --lm-insert-kv-cache first";
  return success();
}

static LogicalResult verifyCache(KvCacheOp op, llvm::DenseMap<uint64_t, KvCacheOp> &cacheOfLayer) {
  auto [entry, isNew] = cacheOfLayer.try_emplace(op.getLayer(), op);
  if (!isNew) {
    InFlightDiagnostic error = op.emitOpError("expected one cache a layer, got a second of layer ")
                               << op.getLayer() << ": --lm-insert-kv-cache gives each layer its own";
    error.attachNote(entry->second.getLoc()) << "the first is here";
    return error;
  }
  if (!op.getCache().getType().getLayout().isPaged())
    return op.emitOpError("expected a paged cache: run --lm-page-kv-cache first");
  return success();
}

static LogicalResult verifyWeightStorage(Operation *op) {
  if (op->use_empty())
    return op->emitOpError("expected a reader of every weight: run --lm-remove-dead-weights first");
  // What expressions alone read is as the checkpoint has it.
  if (llvm::all_of(op->getUsers(), llvm::IsaPred<WeightExpressionOpInterface>))
    return success();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Type elem = type.getElementType();
  if (type.getRank() == 1 && !elem.isF32())
    return op->emitOpError("expected a vector of f32, got ") << elem << ": run --lm-quantize-weights first";
  return success();
}

static LogicalResult verifyAppendsInPlace(Operation *op, Value cache) {
  if (!cache.hasOneUse())
    return op->emitOpError("expected no other reader of the cache it appends to, for the append happens in place: "
                           "--lm-insert-kv-cache reads the appended cache only");
  return success();
}

static LogicalResult verifyCachedOp(Operation *op, llvm::DenseMap<uint64_t, KvCacheOp> &cacheOfLayer) {
  if (isa<AttentionOp>(op))
    return op->emitOpError("is of the plain form: run --lm-insert-kv-cache first");
  if (auto cache = dyn_cast<KvCacheOp>(op))
    return verifyCache(cache, cacheOfLayer);
  if (auto append = dyn_cast<KvAppendOp>(op))
    return verifyAppendsInPlace(op, append.getCache());
  if (auto append = dyn_cast<RopeAppendOp>(op))
    return verifyAppendsInPlace(op, append.getCache());
  if (isa<WeightExpressionOpInterface>(op))
    return verifyWeightStorage(op);
  return verifyWeightOperands(op);
}

LogicalResult quipu::lm::verifyCachedForm(FuncOp func) {
  if (failed(verifySignature(func)))
    return failure();
  llvm::DenseMap<uint64_t, KvCacheOp> cacheOfLayer;
  for (Operation &op : func.getBody().getOps())
    if (failed(verifyCachedOp(&op, cacheOfLayer)))
      return failure();
  return success();
}

namespace {

struct VerifyCachedForm : quipu::lm::impl::VerifyCachedFormBase<VerifyCachedForm> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    if (failed(verifyCachedForm(getOperation())))
      signalPassFailure();
  }
};

} // namespace
