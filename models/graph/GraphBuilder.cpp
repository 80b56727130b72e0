#include "models/graph/GraphBuilder.h"

using namespace mlir;

namespace quipu::models {

static Type elementType(DType dtype, MLIRContext *context) {
  const StorageFormat *format = storageFormatOf(dtype);
  assert(format && "checkpoints are checked for their weight types");
  return lm::getStorageType(context, *format);
}

GraphBuilder::GraphBuilder(MLIRContext &context, WeightTypes weightTypes)
    : builder(&context), weightTypes(std::move(weightTypes)) {
  context.loadDialect<lm::LMDialect>();
  Location location = locationOf("model");
  module = ModuleOp::create(location);
  builder.setInsertionPointToEnd(module->getBody());
  Type ints = lm::getIntsType(&context);
  // The result type follows from the logits.
  func = lm::FuncOp::create(builder, location, "model", builder.getFunctionType({ints, ints}, {}));
  builder.setInsertionPointToEnd(&func.getBody().front());
}

Location GraphBuilder::locationOf(const std::string &module) {
  return NameLoc::get(builder.getStringAttr(modulePrefix + module));
}

Value GraphBuilder::weight(const std::string &module, const char *kind, ArrayRef<int64_t> shape) {
  std::string name = modulePrefix + module + kind;
  Value &value = weights[name];
  if (value)
    return value;
  std::optional<DType> dtype = weightTypes(name);
  if (!dtype)
    missing.push_back(name);
  auto type = RankedTensorType::get(shape, elementType(dtype.value_or(DType::F32), &getContext()));
  value = lm::WeightOp::create(builder, locationOf(module), type, name);
  return value;
}

Value GraphBuilder::embedding(const std::string &module, int64_t vocab, int64_t width) {
  Value table = weight(module, ".weight", {vocab, width});
  return lm::EmbeddingOp::create(builder, locationOf(module), func.getArgument(0), table);
}

Value GraphBuilder::linear(Value x, const std::string &module, int64_t out, bool bias) {
  Value matrix = weight(module, ".weight", {out, widthOf(x)});
  Value vector = bias ? weight(module, ".bias", {out}) : Value();
  auto matmul = lm::MatmulOp::create(builder, locationOf(module), x, matrix);
  if (vector)
    matmul.getBiasMutable().assign(vector);
  return matmul;
}

Value GraphBuilder::rmsNorm(Value x, const std::string &module, double eps) {
  Value gain = weight(module, ".weight", {widthOf(x)});
  return lm::RmsNormOp::create(builder, locationOf(module), x, gain, builder.getF64FloatAttr(eps));
}

Value GraphBuilder::rope(Value x, lm::RopeAttr rope) {
  return lm::RopeOp::create(builder, x.getLoc(), x, func.getArgument(1), rope);
}

Value GraphBuilder::attention(Value q, Value k, Value v, const std::string &module,
                              const AttentionParameters &parameters) {
  return lm::AttentionOp::create(builder, locationOf(module), q, k, v, /*causal=*/builder.getUnitAttr(),
                                 builder.getF64FloatAttr(parameters.scale), builder.getI64IntegerAttr(parameters.heads),
                                 builder.getI64IntegerAttr(parameters.kvHeads),
                                 parameters.window ? builder.getI64IntegerAttr(*parameters.window) : IntegerAttr());
}

static lm::ActivationKind kindOf(Activation activation) {
  switch (activation) {
  case Activation::Silu:
    return lm::ActivationKind::silu;
  case Activation::GeluErf:
    return lm::ActivationKind::gelu_erf;
  case Activation::GeluTanh:
    return lm::ActivationKind::gelu_tanh;
  case Activation::Relu:
    return lm::ActivationKind::relu;
  }
  llvm_unreachable("all activations are above");
}

Value GraphBuilder::activation(Value x, Activation activation) {
  return lm::ActivationOp::create(builder, x.getLoc(), kindOf(activation), x);
}

Value GraphBuilder::add(Value lhs, Value rhs) { return lm::AddOp::create(builder, rhs.getLoc(), lhs, rhs); }

Value GraphBuilder::mul(Value lhs, Value rhs) { return lm::MulOp::create(builder, rhs.getLoc(), lhs, rhs); }

OwningOpRef<ModuleOp> GraphBuilder::finish(Value logits) {
  lm::ReturnOp::create(builder, logits.getLoc(), logits);
  func.setFunctionType(builder.getFunctionType(func.getArgumentTypes(), logits.getType()));
  return std::move(module);
}

} // namespace quipu::models
