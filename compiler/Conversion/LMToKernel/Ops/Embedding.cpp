#include "compiler/Conversion/LMToKernel/LaunchNames.h"
#include "compiler/Conversion/LMToKernel/OpLowerings.h"
#include "compiler/Conversion/LMToKernel/WeightOperands.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

static LogicalResult lowerEmbedding(lm::EmbeddingOp op, StepLowering &step) {
  FailureOr<WeightSource> table = resolveWeight(op, op.getTable());
  if (failed(table))
    return failure();
  const StorageFormat &format = *lm::getStorageFormat(table->type.getElementType());
  // Tied to the output projection: one copy, in the panels that the larger reader wants.
  bool tied = table->names.size() == 1 && step.isPanelWeight(table->names[0]);
  const KernelChoice &choice = step.kernels();
  Layout layout = *symbolizeLayout(tied ? choice.matmulLayout(/*gated=*/false) : choice.tableLayout(format));
  int64_t rows = table->type.getDimSize(0), dim = table->type.getDimSize(1);
  std::string name = weightLocation(table->names);
  Value out = step.resultBuffer(op.getResult(), name, step.dimOf(op.getIds()));
  KernelParams params = {
      {"rows", rows}, {"dim", dim}, {"storage", std::string(format.name)}, {"layout", stringifyLayout(layout).str()}};
  if (op.getScale())
    params["scale"] = op.getScale()->convertToDouble();
  return step.launch(op, name,
                     {{"ids", step.bufferOf(op.getIds())}, {"table", step.weight(*table, layout)}, {"out", out}},
                     Dim::Tokens,
                     {llvm::formatv("embedding{0}_{1}_{2}_n{3}_k{4}", op.getScale() ? "_scaled" : "",
                                    stringifyLayout(layout), format.name, rows, dim),
                      "embedding", params});
}

void addEmbeddingLowerings(OpLowerings &all) { all.add(lowerEmbedding); }

} // namespace quipu
