#include "compiler/Dialect/Kernel/Transforms/KernelSizes.h"

#include "compiler/Codegen/Extent.h"
#include "compiler/Codegen/Signature.h"

#include "llvm/Support/FormatVariadic.h"

#include <optional>
#include <string>

namespace quipu::kernel {

using namespace mlir;

namespace {

// What a declaration says of an operand, in the terms of OperandSignature.
struct Declared {
  OperandKind kind;
  std::string element; // as parameters have it: "bf16", "q8_0"
  std::optional<Dim> dim;
  SmallVector<int64_t> extents;
};

std::string elementName(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return StringRef(name).starts_with("!lm.") ? name.substr(4) : name;
}

// None of an absent operand.
std::optional<Declared> declaredBy(Operation *declaration) {
  if (auto weight = dyn_cast<WeightOp>(declaration)) {
    auto type = cast<RankedTensorType>(weight.getShape());
    return Declared{OperandKind::Weight, elementName(type.getElementType()), std::nullopt,
                    llvm::to_vector(type.getShape())};
  }
  if (auto buffer = dyn_cast<BufferOp>(declaration))
    return Declared{
        OperandKind::Rows, elementName(buffer.getDtype()), buffer.getRows(), {int64_t(buffer.getColumns())}};
  if (auto cache = dyn_cast<KvCacheOp>(declaration))
    return Declared{OperandKind::Cache,
                    elementName(cache.getElem()),
                    std::nullopt,
                    {int64_t(cache.getHeads()), int64_t(cache.getDim()), int64_t(cache.getPageSize())}};
  if (auto table = dyn_cast<RopeTableOp>(declaration))
    return Declared{OperandKind::Table, "f32", std::nullopt, {int64_t(table.getDim())}};
  return std::nullopt;
}

StringRef nameOf(OperandKind kind) {
  static constexpr StringRef names[] = {"a buffer", "a weight", "a KV cache", "a rope table"};
  return names[size_t(kind)];
}

// One operand of a launch beside what a kernel's signature says of it.
class OperandCheck {
public:
  OperandCheck(LaunchOp launch, DefOp kernel, const KernelSignature &signature, const OperandSignature &operand)
      : launch(launch), kernel(kernel), signature(signature), operand(operand) {}

  LogicalResult verify(Operation *declaration) {
    std::optional<Declared> declared = declaredBy(declaration);
    if (!declared)
      return operand.mayBeAbsent ? success() : fail("absent", "it may not be");
    if (declared->kind != operand.kind)
      return fail("as " + nameOf(declared->kind), "it is to be " + nameOf(operand.kind).str());
    std::optional<std::string> element = elementByParam();
    if (element && *element != declared->element)
      return fail("in " + declared->element, llvm::formatv("{0} is {1}", operand.element, *element));
    std::optional<Dim> dim = dimByParam();
    if (declared->dim && dim && *dim != *declared->dim)
      return fail("of " + stringifyDim(*declared->dim).str(), "its rows are of " + stringifyDim(*dim).str());
    if (declared->extents.size() != operand.extents.size())
      return fail(llvm::formatv("of rank {0}", declared->extents.size()),
                  llvm::formatv("its rank is {0}", operand.extents.size()));
    for (auto [size, extent] : llvm::zip(declared->extents, operand.extents)) {
      std::optional<int64_t> expected = evaluateExtent(extent, [&](std::string_view name) { return integer(name); });
      if (expected && *expected != size)
        return fail(llvm::formatv("with a size of {0}", size), llvm::formatv("{0} is {1}", extent, *expected));
    }
    return success();
  }

private:
  LogicalResult fail(const Twine &given, const Twine &expected) {
    return launch.emitError("gives operand \"")
           << operand.name << "\" " << given << " to kernel @" << kernel.getSymName() << " (" << kernel.getGenerator()
           << "): " << expected;
  }

  std::optional<int64_t> integer(std::string_view name) {
    Attribute value = kernel.getParams().get(StringRef(name));
    if (auto flag = dyn_cast_or_null<BoolAttr>(value))
      return flag.getValue();
    if (auto integer = dyn_cast_or_null<IntegerAttr>(value))
      return integer.getInt();
    const ParamSignature *param = signature.findParam(name);
    if (!param || !param->fallback)
      return std::nullopt;
    if (auto *flag = std::get_if<bool>(&*param->fallback))
      return *flag;
    auto *fallback = std::get_if<int64_t>(&*param->fallback);
    return fallback ? std::optional(*fallback) : std::nullopt;
  }

  // None where the target decides, or where the parameter is not there.
  std::optional<std::string> elementByParam() {
    if (operand.element.empty())
      return std::nullopt;
    if (!signature.findParam(operand.element))
      return operand.element;
    auto param = kernel.getParams().getAs<StringAttr>(operand.element);
    return param ? std::optional(param.getValue().str()) : std::nullopt;
  }

  std::optional<Dim> dimByParam() {
    if (operand.dim != "rows_dim") // names of dims are parameters of some kernels too: `tokens`, at most
      return symbolizeDim(operand.dim);
    std::optional<int64_t> value = integer(operand.dim);
    return value ? symbolizeDim(uint32_t(*value)) : std::nullopt;
  }

  LaunchOp launch;
  DefOp kernel;
  const KernelSignature &signature;
  const OperandSignature &operand;
};

LogicalResult verifyStage(LaunchOp launch, DefOp kernel) {
  const KernelSignature *signature = findSignature(std::string_view(kernel.getGenerator()));
  if (!signature)
    return success(); // the target says which generators it has
  size_t reads = llvm::count_if(signature->operands,
                                [](const OperandSignature &operand) { return operand.role == OperandRole::Read; });
  size_t writes = signature->operands.size() - reads;
  if (launch.getReads().size() != reads || launch.getWrites().size() != writes)
    return launch.emitError("gives kernel @")
           << kernel.getSymName() << " (" << kernel.getGenerator() << ") " << launch.getReads().size()
           << " operands to read and " << launch.getWrites().size() << " to write; it has " << reads << " and "
           << writes;
  for (auto [operand, given] : llvm::zip(signature->operands, launch->getOperands()))
    if (failed(OperandCheck(launch, kernel, *signature, operand).verify(given.getDefiningOp())))
      return failure();
  return success();
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
