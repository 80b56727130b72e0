#include "compiler/Conversion/LMToKernel/WeightOperands.h"

#include "compiler/Dialect/LM/IR/LMOps.h"
#include "runtime/Artifact/StorageFormat.h"

using namespace mlir;

namespace quipu {

FailureOr<WeightSource> resolveWeight(Operation *user, Value weight) {
  WeightSource source;
  source.type = cast<RankedTensorType>(weight.getType());
  Operation *op = weight.getDefiningOp();
  if (!isa_and_present<lm::WeightExpressionOpInterface>(op))
    return user->emitError("expected weights made of lm.weight");
  Builder builder(user->getContext());
  for (const WeightPiece &piece : lm::piecesOf(weight))
    source.names.push_back(builder.getStringAttr(piece.print()).getValue()); // which the context keeps
  return source;
}

std::string formatName(Type element) {
  return element.isInteger(8) ? "i8" : std::string(lm::getStorageFormat(element)->name);
}

} // namespace quipu
