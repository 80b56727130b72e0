#include "compiler/Dialect/LM/IR/LMOps.h"

using namespace mlir;
using namespace quipu::lm;

LogicalResult SliceColumnsOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                               SmallVectorImpl<Type> &results) {
  if (!isRowsType(adaptor.getX().getType()))
    return emitOptionalError(location, "'lm.slice_columns' op expected rows, got ", adaptor.getX().getType());
  auto offset = static_cast<int64_t>(adaptor.getOffset());
  auto size = static_cast<int64_t>(adaptor.getSize());
  int64_t features = cast<RankedTensorType>(adaptor.getX().getType()).getDimSize(1);
  // (C1)
  if (offset < 0 || size < 1)
    return emitOptionalError(location, "'lm.slice_columns' op expected offset >= 0 and size >= 1, got ", offset,
                             " and ", size);
  // (C2)
  if (offset > features || size > features - offset)
    return emitOptionalError(location, "'lm.slice_columns' op expected columns below ", features,
                             " (features of x), got offset ", offset, " and size ", size);
  results.push_back(getRowsType(context, size));
  return success();
}

OpFoldResult SliceColumnsOp::fold(FoldAdaptor) {
  // All columns.
  if (getX().getType() == getResult().getType())
    return getX();
  // Slice of a slice: both offsets from the inner operand.
  if (auto inner = getX().getDefiningOp<SliceColumnsOp>()) {
    setOffset(getOffset() + inner.getOffset());
    getXMutable().assign(inner.getX());
    return getResult();
  }
  return {};
}
