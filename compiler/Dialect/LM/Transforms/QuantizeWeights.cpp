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

/// Whether a weight is read by rows, or makes the logits that the function returns.
static bool isTable(WeightOp op) {
  return llvm::any_of(op->getUsers(), [](Operation *user) {
    return isa<EmbeddingOp>(user) || (isa<MatmulOp>(user) && llvm::any_of(user->getUsers(), llvm::IsaPred<ReturnOp>));
  });
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
    for (auto op : getOperation().getBody().getOps<WeightOp>())
      convertWeight(op);
    for (auto op : getOperation().getBody().getOps<ConcatRowsOp>())
      if (failed(convertJoined(op)))
        return signalPassFailure();
    for (const auto &[formats, weights] : misfits) {
      auto warning = WeightOp(weights.front()).emitWarning("weight ")
                     << WeightOp(weights.front()).getTensorName() << " is stored as " << formats.second->name
                     << ", not " << formats.first->name << ", whose blocks of " << formats.first->blockElements
                     << " do not divide its rows";
      if (weights.size() > 1)
        warning << "; so are " << weights.size() - 1 << " others";
    }
  }

private:
  void convertWeight(WeightOp op) {
    auto type = cast<RankedTensorType>(op.getResult().getType());
    Type element = Float32Type::get(&getContext());
    if (type.getRank() == 2) {
      const StorageFormat &wanted =
          *policy.formatOf(op.getTensorName(), getStorageFormat(type.getElementType()), isTable(op));
      const StorageFormat &fitting = StoragePolicy::fitting(wanted, type.getDimSize(1));
      if (&fitting != &wanted)
        misfits[{&wanted, &fitting}].push_back(op);
      element = getStorageType(&getContext(), fitting);
    }
    converted += type.getElementType() != element;
    op.getResult().setType(type.clone(element));
  }

  StoragePolicy policy;
  llvm::MapVector<std::pair<const StorageFormat *, const StorageFormat *>, SmallVector<WeightOp>> misfits;
};

} // namespace
