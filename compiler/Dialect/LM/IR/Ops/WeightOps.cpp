#include "compiler/Dialect/LM/IR/LMOps.h"
#include "runtime/Artifact/StorageFormat.h"

using namespace mlir;
using namespace quipu::lm;

LogicalResult WeightOp::verify() {
  // (C1)
  if (getTensorName().empty())
    return emitOpError("expected a tensor name, got an empty one");
  // (C2)
  auto type = cast<RankedTensorType>(getResult().getType());
  const quipu::StorageFormat *format = getStorageFormat(type.getElementType());
  if (!format->takesRow(type.getShape().back()))
    return emitOpError("expected columns in whole blocks of ")
           << format->name << " (" << format->blockElements << " elements), got " << type.getShape().back();
  return success();
}

LogicalResult ConcatRowsOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                             SmallVectorImpl<Type> &results) {
  // (C1)
  if (adaptor.getWeights().empty())
    return emitOptionalError(location, "'lm.concat_rows' op expected at least one operand");
  auto first = dyn_cast<RankedTensorType>(adaptor.getWeights().front().getType());
  if (!first || !(isWeightType(first, 1) || isWeightType(first, 2)))
    return emitOptionalError(location, "'lm.concat_rows' op expected weights, got ",
                             adaptor.getWeights().front().getType());

  int64_t rows = 0;
  for (Value weight : adaptor.getWeights()) {
    auto type = dyn_cast<RankedTensorType>(weight.getType());
    // (C2)
    if (!type || !isWeightType(type.clone(first.getElementType()), first.getRank()))
      return emitOptionalError(location, "'lm.concat_rows' op expected weights of rank ", first.getRank(),
                               " (rank of the first), got ", weight.getType());
    // (C3)
    if (type.getElementType() != first.getElementType())
      return emitOptionalError(location, "'lm.concat_rows' op expected elements of type ", first.getElementType(),
                               " (elements of the first), got ", type.getElementType());
    // (C4)
    if (first.getRank() == 2 && type.getDimSize(1) != first.getDimSize(1))
      return emitOptionalError(location, "'lm.concat_rows' op expected ", first.getDimSize(1),
                               " columns (columns of the first), got ", type.getDimSize(1));
    rows += type.getDimSize(0);
  }
  SmallVector<int64_t> shape(first.getShape());
  shape[0] = rows;
  results.push_back(first.clone(shape));
  return success();
}

OpFoldResult ConcatRowsOp::fold(FoldAdaptor) {
  if (getWeights().size() == 1)
    return getWeights().front();
  return {};
}

/// concat(concat(a, b), c) is concat(a, b, c).
LogicalResult ConcatRowsOp::canonicalize(ConcatRowsOp op, PatternRewriter &rewriter) {
  SmallVector<Value> flat;
  for (Value weight : op.getWeights()) {
    if (auto inner = weight.getDefiningOp<ConcatRowsOp>())
      llvm::append_range(flat, inner.getWeights());
    else
      flat.push_back(weight);
  }
  if (flat.size() == op.getWeights().size())
    return rewriter.notifyMatchFailure(op, "no operand is a concat_rows of several weights");
  rewriter.replaceOpWithNewOp<ConcatRowsOp>(op, flat);
  return success();
}
