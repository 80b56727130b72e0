#include "compiler/Dialect/Kernel/Transforms/KernelSizes.h"

#include <optional>
#include <string>

namespace quipu::kernel {

using namespace mlir;

namespace {

enum class Extent { Rows, Columns, Heads, Dim, PageSize };

struct Size {
  StringRef generator, param;
  unsigned operand; // in the order kernels get them: what is read, then what is written
  Extent extent;
};

// The operands of generators are those of docs/architecture.md.
constexpr Size sizes[] = {
    {"embedding", "rows", 1, Extent::Rows},
    {"embedding", "dim", 1, Extent::Columns},
    {"embedding", "dim", 2, Extent::Columns},
    {"matmul", "k", 0, Extent::Columns},
    {"matmul", "k", 2, Extent::Columns},
    {"matmul", "n", 2, Extent::Rows},
    {"matmul", "n", 6, Extent::Columns},
    {"pack_input", "k", 0, Extent::Columns},
    {"pack_input", "k", 2, Extent::Columns},
    {"rms_norm", "n", 0, Extent::Columns},
    {"rms_norm", "n", 2, Extent::Columns},
    {"pointwise", "n", 0, Extent::Columns},
    {"pointwise", "n", 2, Extent::Columns},
    {"select_rows", "n", 0, Extent::Columns},
    {"select_rows", "n", 2, Extent::Columns},
    {"slice_columns", "n_in", 0, Extent::Columns},
    {"slice_columns", "n", 1, Extent::Columns},
    {"rope_append", "kv_heads", 5, Extent::Heads},
    {"rope_append", "dim", 5, Extent::Dim},
    {"rope_append", "page_size", 5, Extent::PageSize},
    {"kv_append", "kv_heads", 3, Extent::Heads},
    {"kv_append", "dim", 3, Extent::Dim},
    {"kv_append", "page_size", 3, Extent::PageSize},
    {"attention", "kv_heads", 5, Extent::Heads},
    {"attention", "dim", 5, Extent::Dim},
    {"attention", "page_size", 5, Extent::PageSize},
    {"sample", "n", 0, Extent::Columns},
    {"sample_split", "n", 0, Extent::Columns},
    {"sample_merge", "n", 0, Extent::Columns},
};

// None where the operand is absent, or is nothing that has such an extent.
std::optional<int64_t> extentOf(Operation *declaration, Extent extent) {
  if (auto weight = dyn_cast<WeightOp>(declaration)) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getShape()).getShape();
    bool isGated = weight.getLayout() == Layout::Panel64Gated || weight.getLayout() == Layout::Tile64Gated;
    if (shape.size() == 2 && extent == Extent::Rows)
      return isGated ? shape[0] / 2 : shape[0]; // a gate and its up projection give one column of the result
    return extent == Extent::Columns ? std::optional(shape.back()) : std::nullopt;
  }
  if (auto buffer = dyn_cast<BufferOp>(declaration))
    return extent == Extent::Columns ? std::optional<int64_t>(buffer.getColumns()) : std::nullopt;
  if (auto cache = dyn_cast<KvCacheOp>(declaration))
    return extent == Extent::Heads      ? std::optional<int64_t>(cache.getHeads())
           : extent == Extent::Dim      ? std::optional<int64_t>(cache.getDim())
           : extent == Extent::PageSize ? std::optional<int64_t>(cache.getPageSize())
                                        : std::nullopt;
  return std::nullopt;
}

struct Format {
  StringRef generator, param;
  unsigned operand;
};

constexpr Format formats[] = {
    {"embedding", "storage", 1}, {"matmul", "storage", 2}, {"pack_input", "storage", 2},
    {"rope_append", "elem", 5},  {"kv_append", "elem", 3}, {"attention", "elem", 5},
};

// As parameters have it: "bf16", "q8_0". Empty where the operand is neither a weight nor a cache.
std::string formatOf(Operation *declaration) {
  Type type;
  if (auto weight = dyn_cast<WeightOp>(declaration))
    type = cast<RankedTensorType>(weight.getShape()).getElementType();
  else if (auto cache = dyn_cast<KvCacheOp>(declaration))
    type = cache.getElem();
  std::string name;
  if (type)
    llvm::raw_string_ostream(name) << type;
  return StringRef(name).starts_with("!lm.") ? name.substr(4) : name;
}

LogicalResult verifyFormats(LaunchOp launch, DefOp kernel) {
  for (const Format &format : formats) {
    auto param = kernel.getParams().getAs<StringAttr>(format.param);
    if (format.generator != kernel.getGenerator() || !param || format.operand >= launch->getNumOperands())
      continue;
    std::string name = formatOf(launch->getOperand(format.operand).getDefiningOp());
    if (!name.empty() && name != param.getValue())
      return launch.emitError("gives operand ")
             << format.operand << " in " << name << " to kernel @" << kernel.getSymName() << ", whose parameter "
             << format.param << " is " << param.getValue();
  }
  return success();
}

LogicalResult verifyStage(LaunchOp launch, DefOp kernel) {
  for (const Size &size : sizes) {
    auto param = kernel.getParams().getAs<IntegerAttr>(size.param);
    if (size.generator != kernel.getGenerator() || !param)
      continue;
    if (size.operand >= launch->getNumOperands())
      return launch.emitError("gives kernel @")
             << kernel.getSymName() << " (" << kernel.getGenerator() << ") no operand " << size.operand;
    std::optional<int64_t> extent = extentOf(launch->getOperand(size.operand).getDefiningOp(), size.extent);
    if (extent && *extent != param.getInt())
      return launch.emitError("gives operand ")
             << size.operand << " with a size of " << *extent << " to kernel @" << kernel.getSymName()
             << ", whose parameter " << size.param << " is " << param.getInt();
  }
  return verifyFormats(launch, kernel);
}

} // namespace

LogicalResult verifyKernelSizes(ProgramOp program) {
  for (auto launch : program.getOps<LaunchOp>())
    for (auto variant : launch.getVariants().getAsRange<VariantAttr>())
      for (FlatSymbolRefAttr stage : variant.getStages())
        if (failed(verifyStage(launch, cast<DefOp>(SymbolTable::lookupSymbolIn(program, stage.getAttr())))))
          return failure();
  return success();
}

} // namespace quipu::kernel
