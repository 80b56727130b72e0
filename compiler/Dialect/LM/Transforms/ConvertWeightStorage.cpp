#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_CONVERTWEIGHTSTORAGE
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

struct ConvertWeightStorage : quipu::lm::impl::ConvertWeightStorageBase<ConvertWeightStorage> {
  using ConvertWeightStorageBase::ConvertWeightStorageBase;

  void runOnOperation() override {
    FloatType matrixElement = getElementType(storage, &getContext());
    FloatType vectorElement = Float32Type::get(&getContext());
    // Only weights and what is joined of them have weight types as results, so the types alone say what to convert.
    for (Operation &op : getOperation().getBody().getOps()) {
      if (!isa<WeightOp, ConcatRowsOp>(op))
        continue;
      auto type = cast<RankedTensorType>(op.getResult(0).getType());
      FloatType element = type.getRank() == 2 ? matrixElement : vectorElement;
      converted += isa<WeightOp>(op) && type.getElementType() != element;
      op.getResult(0).setType(type.clone(element));
    }
  }
};

} // namespace
