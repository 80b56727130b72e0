#include "compiler/Dialect/LM/Transforms/Passes.h"
#include "compiler/Dialect/LM/Transforms/StoragePolicy.h"

#include "llvm/ADT/MapVector.h"

namespace quipu::lm {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;
using quipu::StorageFormat;

static MatrixUse useOf(Operation *weight) {
  auto feeds = [](Operation *user, auto isReader) {
    return isa<MatmulOp>(user) && llvm::any_of(user->getUsers(), isReader);
  };
  for (Operation *user : weight->getUsers()) {
    if (isa<EmbeddingOp>(user) || feeds(user, llvm::IsaPred<ReturnOp>))
      return MatrixUse::Table;
    if (feeds(user, llvm::IsaPred<RouteOp>))
      return MatrixUse::Router;
  }
  return MatrixUse::Product;
}

/// Whether the op gives a weight in its stored form, from one tensor. What is read by expressions alone stays as the
/// checkpoint has it: values are rounded once, after the arithmetic.
static bool isStored(Operation *op) {
  auto feeds = [](Operation *user) { return isa<WeightExpressionOpInterface>(user) && !isa<ConcatRowsOp>(user); };
  return isa<WeightExpressionOpInterface>(op) && !isa<ConcatRowsOp>(op) &&
         (op->use_empty() || !llvm::all_of(op->getUsers(), feeds));
}

/// The joined weight has the type of its parts.
static LogicalResult convertJoined(ConcatRowsOp op) {
  Type element = cast<RankedTensorType>(op.getWeights().front().getType()).getElementType();
  for (Value weight : op.getWeights())
    if (cast<RankedTensorType>(weight.getType()).getElementType() != element)
      return op.emitOpError("joins weights that are to be stored as ")
             << element << " and " << cast<RankedTensorType>(weight.getType()).getElementType()
             << ": run --lm-quantize-weights before --lm-join-projections";
  op.getResult().setType(op.getResult().getType().clone(element));
  return success();
}

namespace {

struct QuantizeWeights : quipu::lm::impl::QuantizeWeightsBase<QuantizeWeights> {
  using QuantizeWeightsBase::QuantizeWeightsBase;

  void runOnOperation() override {
    auto created = StoragePolicy::create(storage, storageOf);
    if (!created) {
      getOperation().emitError(created.error().message);
      return signalPassFailure();
    }
    policy = std::move(*created);
    misfits.clear();
    for (Operation &op : getOperation().getBody().getOps())
      if (isStored(&op))
        convertWeight(&op);
    for (auto op : getOperation().getBody().getOps<ConcatRowsOp>())
      if (failed(convertJoined(op)))
        return signalPassFailure();
    for (const auto &[formats, weights] : misfits) {
      auto warning = weights.front()->emitWarning("weight ")
                     << piecesOf(weights.front()->getResult(0)).front().tensor << " is stored as "
                     << formats.second->name << ", not " << formats.first->name << ", whose blocks of "
                     << formats.first->blockElements << " do not divide its rows";
      if (weights.size() > 1)
        warning << "; so are " << weights.size() - 1 << " others";
    }
  }

private:
  void convertWeight(Operation *op) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    Type element = Float32Type::get(&getContext());
    if (type.getRank() >= 2) {
      const StorageFormat &wanted = *policy.formatOf(piecesOf(op->getResult(0)).front().tensor,
                                                     getStorageFormat(type.getElementType()), useOf(op));
      const StorageFormat &fitting = StoragePolicy::fitting(wanted, type.getShape().back());
      if (&fitting != &wanted)
        misfits[{&wanted, &fitting}].push_back(op);
      element = getStorageType(&getContext(), fitting);
    }
    converted += type.getElementType() != element;
    op->getResult(0).setType(type.clone(element));
  }

  StoragePolicy policy;
  llvm::MapVector<std::pair<const StorageFormat *, const StorageFormat *>, SmallVector<Operation *>> misfits;
};

} // namespace
