#include "compiler/Conversion/LMToKernel/WeightOperands.h"

#include "compiler/Dialect/LM/IR/LMOps.h"
#include "runtime/Artifact/StorageFormat.h"

using namespace mlir;

namespace quipu {

FailureOr<WeightSource> resolveWeight(Operation *user, Value weight) {
  WeightSource source;
  source.type = cast<RankedTensorType>(weight.getType());
  SmallVector<Value> pending = {weight};
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (auto named = dyn_cast_or_null<lm::WeightOp>(op)) {
      source.names.push_back(named.getTensorName());
    } else if (auto joined = dyn_cast_or_null<lm::ConcatRowsOp>(op)) {
      for (Value part : llvm::reverse(joined.getWeights()))
        pending.push_back(part);
    } else {
      return user->emitError("expected weights made of lm.weight and lm.concat_rows alone");
    }
  }
  return source;
}

std::string formatName(Type element) {
  return element.isInteger(8) ? "i8" : std::string(lm::getStorageFormat(element)->name);
}

} // namespace quipu
