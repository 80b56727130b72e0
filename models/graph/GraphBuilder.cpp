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

Value GraphBuilder::positionEmbedding(const std::string &module, int64_t positions, int64_t width) {
  Value table = weight(module, ".weight", {positions, width});
  return lm::EmbeddingOp::create(builder, locationOf(module), func.getArgument(1), table);
}

Value GraphBuilder::rowsOf(Value weight, const std::optional<JoinedRows> &rows) {
  if (!rows)
    return weight;
  auto type = cast<RankedTensorType>(weight.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = rows->runs.rows();
  return lm::WeightRowsOp::create(builder, weight.getLoc(), type.clone(shape), weight, rows->runs.first,
                                  rows->runs.size, rows->runs.stride, rows->runs.count);
}

Value GraphBuilder::linearWeight(const std::string &module, int64_t out, int64_t in,
                                 const LinearParameters &parameters) {
  if (!parameters.transposed)
    return weight(module, ".weight", {out, in});
  Value stored = weight(module, ".weight", {in, out});
  auto type = cast<RankedTensorType>(stored.getType());
  return lm::WeightTransposeOp::create(builder, stored.getLoc(), type.clone({out, in}), stored);
}

Value GraphBuilder::linear(Value x, const std::string &module, int64_t out, const LinearParameters &parameters) {
  int64_t whole = parameters.rows ? parameters.rows->of : out;
  Value matrix = rowsOf(linearWeight(module, whole, widthOf(x), parameters), parameters.rows);
  Value vector = parameters.bias ? rowsOf(weight(module, ".bias", {whole}), parameters.rows) : Value();
  auto matmul = lm::MatmulOp::create(builder, locationOf(module), x, matrix);
  if (vector)
    matmul.getBiasMutable().assign(vector);
  return matmul;
}

Value GraphBuilder::normGain(Value x, const std::string &module, const NormParameters &parameters) {
  Location location = locationOf(module);
  int64_t size = widthOf(x) / parameters.groups;
  Value gain;
  if (parameters.sharedGain) {
    gain = weight(module, ".weight", {size});
  } else {
    SmallVector<Value> parts;
    for (int64_t part = 0; part < parameters.groups; ++part)
      parts.push_back(weight(module + "." + std::to_string(part), ".weight", {size}));
    auto type = cast<RankedTensorType>(parts.front().getType());
    gain = lm::ConcatRowsOp::create(builder, location, type.clone({widthOf(x)}), parts);
  }
  if (parameters.gainOffset == 0)
    return gain;
  // In f32, where the sum has the digits that the checkpoint's type may lack.
  auto type = cast<RankedTensorType>(gain.getType()).clone(builder.getF32Type());
  return lm::WeightAffineOp::create(builder, location, type, gain, builder.getF64FloatAttr(1),
                                    builder.getF64FloatAttr(parameters.gainOffset));
}

Value GraphBuilder::norm(Value x, const std::string &module, const NormParameters &parameters) {
  Location location = locationOf(module);
  Value gain = normGain(x, module, parameters);
  FloatAttr eps = builder.getF64FloatAttr(parameters.eps);
  if (!parameters.centred) {
    auto norm = lm::RmsNormOp::create(builder, location, x, gain, eps);
    norm.setGroups(parameters.groups);
    return norm;
  }
  Value bias = parameters.bias ? weight(module, ".bias", {widthOf(x) / parameters.groups}) : Value();
  auto norm = lm::LayerNormOp::create(builder, location, x, gain, bias, eps);
  norm.setGroups(parameters.groups);
  return norm;
}

Value GraphBuilder::rope(Value x, lm::RopeAttr rope) {
  return lm::RopeOp::create(builder, x.getLoc(), x, func.getArgument(1), rope);
}

Value GraphBuilder::attention(Value q, Value k, Value v, const std::string &module,
                              const AttentionParameters &parameters) {
  return lm::AttentionOp::create(builder, locationOf(module), q, k, v, /*causal=*/builder.getUnitAttr(),
                                 builder.getF64FloatAttr(parameters.scale), builder.getI64IntegerAttr(parameters.heads),
                                 builder.getI64IntegerAttr(parameters.kvHeads),
                                 parameters.window ? builder.getI64IntegerAttr(*parameters.window) : IntegerAttr(),
                                 parameters.softcap ? builder.getF64FloatAttr(*parameters.softcap) : FloatAttr());
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
  case Activation::Relu2:
    return lm::ActivationKind::relu2;
  case Activation::Sigmoid:
    return lm::ActivationKind::sigmoid;
  }
  llvm_unreachable("all activations are above");
}

Value GraphBuilder::activation(Value x, Activation activation) {
  return lm::ActivationOp::create(builder, x.getLoc(), kindOf(activation), x);
}

Value GraphBuilder::add(Value lhs, Value rhs) { return lm::AddOp::create(builder, rhs.getLoc(), lhs, rhs); }

Value GraphBuilder::mul(Value lhs, Value rhs) { return lm::MulOp::create(builder, rhs.getLoc(), lhs, rhs); }

Value GraphBuilder::scale(Value x, double factor) {
  if (factor == 1)
    return x;
  return lm::ScaleOp::create(builder, x.getLoc(), x, builder.getF64FloatAttr(factor));
}

Value GraphBuilder::softcap(Value x, double cap) {
  return lm::SoftcapOp::create(builder, x.getLoc(), x, builder.getF64FloatAttr(cap));
}

Value GraphBuilder::positionScale(Value x, double beta, int64_t length) {
  return lm::PositionScaleOp::create(builder, x.getLoc(), x, func.getArgument(1), builder.getF64FloatAttr(beta),
                                     builder.getI64IntegerAttr(length));
}

Value GraphBuilder::sliceColumns(Value x, int64_t offset, int64_t size) {
  return lm::SliceColumnsOp::create(builder, x.getLoc(), x, offset, size);
}

Value GraphBuilder::stack(const std::string &module, const StackShape &shape) {
  std::string name = modulePrefix + module + ".weight", first = name;
  if (size_t star = name.find('*'); star != name.npos) {
    first.replace(star, 1, "0");
    if (!weightTypes(first))
      first = name.erase(star, 2); // with the dot behind it
  }
  std::optional<DType> dtype = weightTypes(first);
  if (!dtype)
    missing.push_back(first);
  auto type = RankedTensorType::get({shape.experts, shape.out, shape.in},
                                    elementType(dtype.value_or(DType::F32), &getContext()));
  return lm::WeightStackOp::create(builder, locationOf(module), type, name);
}

Value GraphBuilder::expertLinear(Value x, const std::string &module, const StackShape &shape, Value ids,
                                 Value combine) {
  Value matrices = stack(module, shape);
  auto matmul = lm::ExpertMatmulOp::create(builder, locationOf(module), x, matrices, ids);
  if (!combine)
    return matmul;
  matmul.getCombineMutable().assign(combine);
  matmul.getResult().setType(lm::getRowsType(&getContext(), shape.out));
  return matmul;
}

Value GraphBuilder::gatedExperts(Value x, const std::string &module, const StackShape &shape, Value ids,
                                 Activation activation) {
  Value matrices = stack(module, {shape.experts, 2 * shape.out, shape.in});
  return lm::ExpertMatmulOp::create(builder, locationOf(module), x, matrices, ids,
                                    lm::ActivationAttr::get(&getContext(), kindOf(activation)));
}

Routing GraphBuilder::route(Value logits, const ExpertsConfig &config) {
  Value bias = config.biased ? weight(config.modules.router, ".e_score_correction_bias", {config.count}) : Value();
  lm::RouteScore score = config.sigmoid ? lm::RouteScore::sigmoid : lm::RouteScore::softmax;
  auto route = lm::RouteOp::create(builder, logits.getLoc(), logits, bias, score, config.chosen);
  route.setNormalize(config.normalize);
  if (config.scale != 1)
    route.setScaleAttr(builder.getF64FloatAttr(config.scale));
  route.setGroups(config.groups);
  route.setKeptGroups(config.keptGroups);
  return {route.getIds(), route.getWeights()};
}

Routing GraphBuilder::routeToOne(Value logits) {
  auto route = lm::RouteOp::create(builder, logits.getLoc(), logits, Value(), lm::RouteScore::sigmoid, 1);
  return {route.getIds(), route.getWeights()};
}

OwningOpRef<ModuleOp> GraphBuilder::finish(Value logits) {
  lm::ReturnOp::create(builder, logits.getLoc(), logits);
  func.setFunctionType(builder.getFunctionType(func.getArgumentTypes(), logits.getType()));
  return std::move(module);
}

} // namespace quipu::models
