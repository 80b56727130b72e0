#include "compiler/Dialect/LM/IR/LMOps.h"
#include "runtime/Artifact/StorageFormat.h"

using namespace mlir;
using namespace quipu::lm;

SmallVector<quipu::WeightPiece> quipu::lm::piecesOf(Value weight) {
  return cast<WeightExpressionOpInterface>(weight.getDefiningOp()).getPieces();
}

/// Columns of blocks are whole blocks.
static LogicalResult verifyBlocks(Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  const quipu::StorageFormat *format = getStorageFormat(type.getElementType());
  if (!format->takesRow(type.getShape().back()))
    return op->emitOpError("expected columns in whole blocks of ")
           << format->name << " (" << format->blockElements << " elements), got " << type.getShape().back();
  return success();
}

template <typename... Ops> static LogicalResult verifySource(Operation *op, StringRef expected) {
  if (!isa_and_present<Ops...>(op->getOperand(0).getDefiningOp()))
    return op->emitOpError("expected source to be ") << expected;
  return success();
}

LogicalResult WeightOp::verify() {
  // (C1)
  if (getTensorName().empty())
    return emitOpError("expected a tensor name, got an empty one");
  // (C2)
  return verifyBlocks(*this);
}

SmallVector<quipu::WeightPiece> WeightOp::getPieces() {
  quipu::WeightPiece piece;
  piece.tensor = getTensorName().str();
  return {piece};
}

LogicalResult WeightStackOp::verify() {
  // (C1)
  if (getTensorName().empty() || getTensorName().count('*') > 1)
    return emitOpError("expected a tensor name with one * at most, got '") << getTensorName() << "'";
  // (C2)
  return verifyBlocks(*this);
}

SmallVector<quipu::WeightPiece> WeightStackOp::getPieces() {
  quipu::WeightPiece piece;
  piece.tensor = getTensorName().str();
  return {piece};
}

LogicalResult WeightTransposeOp::verify() {
  // (C1)
  if (failed(verifySource<WeightOp>(*this, "an lm.weight")))
    return failure();
  // (C2)
  ArrayRef<int64_t> from = getSource().getType().getShape(), to = getResult().getType().getShape();
  if (from[0] != to[1] || from[1] != to[0])
    return emitOpError("expected a result of ") << from[1] << "x" << from[0] << ", got " << to[0] << "x" << to[1];
  // (C3)
  return verifyBlocks(*this);
}

SmallVector<quipu::WeightPiece> WeightTransposeOp::getPieces() {
  SmallVector<quipu::WeightPiece> pieces = piecesOf(getSource());
  pieces.front().transposed = true;
  return pieces;
}

LogicalResult WeightRowsOp::verify() {
  // (C1)
  if (failed(verifySource<WeightOp, WeightTransposeOp>(*this, "an lm.weight or an lm.weight_transpose")))
    return failure();
  // (C2)
  auto first = static_cast<int64_t>(getFirst()), size = static_cast<int64_t>(getSize()),
       stride = static_cast<int64_t>(getStride()), count = static_cast<int64_t>(getCount());
  if (first < 0 || stride < 0 || size < 1 || count < 1)
    return emitOpError("expected first and stride >= 0, size and count >= 1");
  // (C3)
  ArrayRef<int64_t> from = getSource().getType().getShape(), to = getResult().getType().getShape();
  constexpr int64_t most = int64_t(1) << 31; // keeps products in range
  quipu::WeightPiece::Runs runs{first, size, stride, count};
  if (std::max({first, size, stride, count}) > most || runs.end() > from[0])
    return emitOpError("expected rows below ") << from[0] << " (rows of source)";
  // (C4)
  if (from.size() != to.size() || to[0] != runs.rows() || from.drop_front() != to.drop_front())
    return emitOpError("expected a result of ") << runs.rows() << " rows with the columns of source";
  // (C5)
  return verifyBlocks(*this);
}

SmallVector<quipu::WeightPiece> WeightRowsOp::getPieces() {
  SmallVector<quipu::WeightPiece> pieces = piecesOf(getSource());
  pieces.front().runs = {static_cast<int64_t>(getFirst()), static_cast<int64_t>(getSize()),
                         static_cast<int64_t>(getStride()), static_cast<int64_t>(getCount())};
  return pieces;
}

LogicalResult WeightAffineOp::verify() {
  // (C1)
  if (failed(verifySource<WeightOp, WeightTransposeOp, WeightRowsOp>(
          *this, "an lm.weight, an lm.weight_transpose or an lm.weight_rows")))
    return failure();
  // (C2)
  if (!getScale().isFinite() || !getAdd().isFinite())
    return emitOpError("expected scale and add that are finite");
  // (C3)
  if (getSource().getType().getShape() != getResult().getType().getShape())
    return emitOpError("expected a result of the shape of source");
  // (C4)
  return verifyBlocks(*this);
}

SmallVector<quipu::WeightPiece> WeightAffineOp::getPieces() {
  SmallVector<quipu::WeightPiece> pieces = piecesOf(getSource());
  pieces.front().scale = getScale().convertToDouble();
  pieces.front().add = getAdd().convertToDouble();
  return pieces;
}

SmallVector<quipu::WeightPiece> ConcatRowsOp::getPieces() {
  SmallVector<quipu::WeightPiece> pieces;
  for (Value weight : getWeights())
    llvm::append_range(pieces, piecesOf(weight));
  return pieces;
}

LogicalResult ConcatRowsOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                             SmallVectorImpl<Type> &results) {
  // (C1)
  if (adaptor.getWeights().empty())
    return emitOptionalError(location, "'lm.concat_rows' op expected at least one operand");
  auto first = dyn_cast<RankedTensorType>(adaptor.getWeights().front().getType());
  if (!first || !(isWeightType(first, 1) || isWeightType(first, 2) || isWeightType(first, 3)))
    return emitOptionalError(location, "'lm.concat_rows' op expected weights, got ",
                             adaptor.getWeights().front().getType());

  int64_t rows = 0;
  unsigned rowAxis = first.getRank() == 3 ? 1 : 0;
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
    if (first.getRank() > 1 && type.getShape().back() != first.getShape().back())
      return emitOptionalError(location, "'lm.concat_rows' op expected ", first.getShape().back(),
                               " columns (columns of the first), got ", type.getShape().back());
    // (C5)
    if (first.getRank() == 3 && type.getDimSize(0) != first.getDimSize(0))
      return emitOptionalError(location, "'lm.concat_rows' op expected stacks of ", first.getDimSize(0),
                               " matrices (matrices of the first), got ", type.getDimSize(0));
    rows += type.getDimSize(rowAxis);
  }
  SmallVector<int64_t> shape(first.getShape());
  shape[rowAxis] = rows;
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
