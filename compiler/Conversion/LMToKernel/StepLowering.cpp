#include "compiler/Conversion/LMToKernel/StepLowering.h"

#include "compiler/Conversion/LMToKernel/OpLowerings.h"
#include "compiler/Conversion/LMToKernel/WeightOperands.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace quipu::kernel;
using llvm::formatv;

namespace quipu {

int64_t featuresOf(Value rows) { return cast<RankedTensorType>(rows.getType()).getDimSize(1); }

Type packedElement(const PackedForm &form, MLIRContext *context) {
  if (form.element == "f16")
    return Float16Type::get(context);
  if (form.element == "bf16")
    return BFloat16Type::get(context);
  if (form.element == "i8")
    return IntegerType::get(context, 8);
  return Float32Type::get(context);
}

RowsDim rowsOf(Dim dim) { return dim == Dim::Rows ? RowsDim::Rows : RowsDim::Tokens; }

StepLowering::StepLowering(lm::FuncOp func, ProgramBuilder &program, const KernelChoice &choice,
                           const ProgramLimits &limits)
    : func(func), program(program), choice(choice), limits(limits) {
  for (auto [index, op] : llvm::enumerate(func.getBody().front())) {
    indices[&op] = index;
    auto matmul = dyn_cast<lm::MatmulOp>(op);
    if (!matmul || matmul.getGated())
      continue;
    if (auto weight = matmul.getWeight().getDefiningOp<lm::WeightOp>())
      panelWeights.insert(weight.getTensorName());
  }
}

LogicalResult StepLowering::lower(const OpLowerings &lowerings) {
  if (failed(declareInputs()) || failed(declareOutputs()))
    return failure();
  for (Operation &op : func.getBody().front().without_terminator()) {
    const OpLowerings::Lower *lower = lowerings.find(op.getName().getStringRef());
    if (!lower)
      return op.emitError("there is no kernel for this op");
    if (failed((*lower)(&op, *this)))
      return failure();
  }
  return success();
}

Value StepLowering::resultBuffer(Value result, StringRef name, Dim rows) {
  Value buffer = returned.lookup(result);
  if (!buffer) {
    auto type = cast<RankedTensorType>(result.getType());
    buffer = activation(name, type.getElementType(), rows, type.getRank() == 2 ? type.getDimSize(1) : 1);
  }
  buffers[result] = buffer;
  dims[result] = rows;
  return buffer;
}

FailureOr<Value> StepLowering::vectorWeight(Operation *user, Value weight) {
  if (!weight)
    return Value();
  FailureOr<WeightSource> source = resolveWeight(user, weight);
  if (failed(source))
    return failure();
  source->type = source->type.clone(Float32Type::get(context()));
  return program.weight(*source, Layout::RowMajor);
}

Value StepLowering::ropeTable(lm::RopeAttr rope) {
  return program.ropeTable(rope.getRotated(), rope.getAttentionFactor(), rope.getInvFreq());
}

Value StepLowering::kvCache(lm::KvCacheOp op) {
  auto type = cast<lm::KvType>(op.getCache().getType());
  return program.kvCache(op.getLayer(), type.getHeads(), type.getDim(), type.getElem(), type.getLayout().getPageSize(),
                         *symbolizeKvLayout(choice.kvLayout()));
}

std::string StepLowering::indexedName(Operation *op, StringRef what) const {
  return formatv("{0}.{1}", what, indices.lookup(op));
}

std::string StepLowering::layerName(Value cacheBuffer) {
  return formatv("layers.{0}", cacheBuffer.getDefiningOp<KvCacheOp>().getLayer());
}

LogicalResult StepLowering::launch(Operation *op, StringRef name, Operands operands, Dim dim,
                                   std::vector<VariantChoice> variants) {
  StringRef generator = variants.front().stages.front().generator;
  const KernelSignature *signature = findSignature(std::string_view(generator));
  if (!signature)
    return op->emitError("there is no signature of kernel ") << generator;
  SmallVector<Value> given(signature->operands.size());
  for (auto [operand, value] : operands) {
    std::optional<size_t> index = signature->findOperand(std::string_view(operand));
    if (!index)
      return op->emitError("kernel ") << generator << " has no operand " << operand;
    given[*index] = value;
  }
  LaunchRequest request{name.str(), op, indices.lookup(op), {}, {}, dim, std::move(variants)};
  for (auto [operand, value] : llvm::zip(signature->operands, given)) {
    if (!value && !operand.mayBeAbsent)
      return op->emitError("kernel ") << generator << " needs operand " << operand.name;
    auto &list = operand.role == OperandRole::Read ? request.reads : request.writes;
    list.push_back(value ? value : program.absent());
  }
  program.launch(request);
  return success();
}

LogicalResult StepLowering::launch(Operation *op, StringRef name, Operands operands, Dim dim, KernelSpec kernel) {
  return launch(op, name, operands, dim, {{VariantChoice::any, {std::move(kernel)}}});
}

} // namespace quipu
