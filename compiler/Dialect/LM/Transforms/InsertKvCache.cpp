#include "compiler/Dialect/LM/Transforms/Passes.h"
#include "compiler/Dialect/LM/Transforms/VerifyForm.h"
#include "runtime/Artifact/StorageFormat.h"

namespace quipu::lm {
#define GEN_PASS_DEF_INSERTKVCACHE
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

/// Attention over one sequence becomes append and attention over the cache of `layer`.
static void cacheAttention(AttentionOp op, int64_t layer, Type elem, Value batch) {
  OpBuilder builder(op);
  Location location = op.getLoc();
  auto type = KvType::get(op.getContext(), op.getKvHeads(), op.getHeadDim(), elem, KvLayout::contiguous());
  Value cache = KvCacheOp::create(builder, location, type, layer);
  Value next = KvAppendOp::create(builder, location, cache, op.getK(), op.getV(), batch);
  Value result = CachedAttentionOp::create(builder, location, op.getQ(), next, batch, op.getScaleAttr(),
                                           op.getHeadsAttr(), op.getWindowAttr(), op.getSoftcapAttr());
  op.replaceAllUsesWith(result);
  op.erase();
}

/// Selects rows of what the function returns, as early as possible: above every op that makes each row of its result
/// from the same row of one operand, so that the final norm and the output projection run on the asked-for rows only.
static void selectRows(OpOperand *use, Value rows) {
  while (auto op = use->get().getDefiningOp<RowwiseOpInterface>()) {
    SmallVector<OpOperand *> operands = op.getRowOperands();
    if (operands.size() != 1 || !use->get().hasOneUse())
      break;
    use = operands.front();
  }
  OpBuilder builder(use->getOwner());
  use->set(SelectRowsOp::create(builder, use->getOwner()->getLoc(), use->get(), rows));
}

namespace {

struct InsertKvCache : quipu::lm::impl::InsertKvCacheBase<InsertKvCache> {
  using InsertKvCacheBase::InsertKvCacheBase;

  void runOnOperation() override {
    FuncOp func = getOperation();
    if (failed(verifyPlainForm(func)))
      return signalPassFailure();

    MLIRContext *context = &getContext();
    if (failed(func.insertArgument(2, getIntsType(context), {}, func.getLoc())) ||
        failed(func.insertArgument(3, BatchType::get(context), {}, func.getLoc())) ||
        failed(func.insertArgument(4, SamplingType::get(context), {}, func.getLoc())))
      return signalPassFailure();

    const quipu::StorageFormat *format = quipu::findStorageFormat(std::string_view(elem));
    if (elem != "i8" && (!format || format->isBlocked())) {
      func.emitError("expected elem f32, f16, bf16 or i8, got ") << elem;
      return signalPassFailure();
    }
    Type elemType = elem == "i8" ? IntegerType::get(context, 8) : getStorageType(context, *format);
    int64_t layer = 0;
    for (auto op : llvm::make_early_inc_range(func.getBody().getOps<AttentionOp>()))
      cacheAttention(op, layer++, elemType, func.getArgument(3));
    caches += layer;

    auto end = cast<ReturnOp>(func.getBody().front().getTerminator());
    selectRows(&end->getOpOperand(0), func.getArgument(2));
    OpBuilder builder(end);
    Value sampled =
        SampleOp::create(builder, end.getLoc(), getIntsType(context), end.getOperand(0), func.getArgument(4));
    end.getOperandsMutable().append(sampled);
    func.setFunctionType(FunctionType::get(context, func.getArgumentTypes(), end->getOperandTypes()));
  }
};

} // namespace
