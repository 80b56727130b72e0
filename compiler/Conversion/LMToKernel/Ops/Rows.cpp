#include "compiler/Conversion/LMToKernel/OpLowerings.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace quipu::kernel;
using llvm::formatv;

namespace quipu {

static LogicalResult lowerSelectRows(lm::SelectRowsOp op, StepLowering &step) {
  int64_t n = featuresOf(op.getX());
  std::string name = step.indexedName(op, "select_rows");
  Value out = step.resultBuffer(op.getResult(), name, Dim::Rows);
  return step.launch(op, name, {{"x", step.bufferOf(op.getX())}, {"rows", step.bufferOf(op.getRows())}, {"out", out}},
                     Dim::Rows, {formatv("select_rows_n{0}", n), "select_rows", {{"n", n}}});
}

static LogicalResult lowerSliceColumns(lm::SliceColumnsOp op, StepLowering &step) {
  int64_t columns = featuresOf(op.getX());
  Dim dim = step.dimOf(op.getX());
  std::string name = step.indexedName(op, "slice_columns");
  auto offset = static_cast<int64_t>(op.getOffset()), size = static_cast<int64_t>(op.getSize());
  Value out = step.resultBuffer(op.getResult(), name, dim);
  return step.launch(op, name, {{"x", step.bufferOf(op.getX())}, {"out", out}}, dim,
                     {formatv("slice_columns{0}_n{1}_at{2}_of{3}", rowsSuffix(rowsOf(dim)), size, offset, columns),
                      "slice_columns",
                      {{"n_in", columns}, {"offset", offset}, {"n", size}, {"rows_dim", static_cast<int64_t>(dim)}}});
}

void addRowsLowerings(OpLowerings &all) {
  all.add(lowerSelectRows);
  all.add(lowerSliceColumns);
}

} // namespace quipu
