// Embedding, norms, products and what is done element by element.
#include "compiler/Reference/Evaluation.h"

namespace quipu::reference {

Activation activationOf(lm::ActivationKind kind) {
  switch (kind) {
  case lm::ActivationKind::silu:
    return Activation::Silu;
  case lm::ActivationKind::gelu_tanh:
    return Activation::GeluTanh;
  case lm::ActivationKind::gelu_erf:
    return Activation::GeluErf;
  case lm::ActivationKind::relu:
    return Activation::Relu;
  case lm::ActivationKind::relu2:
    return Activation::Relu2;
  case lm::ActivationKind::sigmoid:
    return Activation::Sigmoid;
  }
  llvm_unreachable("all activations are listed");
}

namespace {

Results evalEmbedding(Evaluation &e, lm::EmbeddingOp op) {
  for (int32_t id : e.ints(op.getIds()))
    if (id < 0 || id >= e.weight(op.getTable())->rows())
      return makeError("token id {} is outside the vocabulary of {}", id, e.weight(op.getTable())->rows());
  Tensor rows = embedding(e.ints(op.getIds()), *e.weight(op.getTable()));
  return resultsOf(op.getScale() ? scale(std::move(rows), op.getScale()->convertToDouble()) : std::move(rows));
}

// Of any kind.
Results evalNorm(Evaluation &e, lm::NormOpInterface op) {
  NormShape shape{op.isCentred(), op.getEpsilon().convertToDouble(), op.getGroupCount()};
  Tensor y =
      norm(e.tensor(op.getNormInput()), e.optionalWeight(op.getNormGain()), e.optionalWeight(op.getNormBias()), shape);
  if (op.getAddedResidual())
    y = add(std::move(y), e.tensor(op.getAddedResidual()));
  return resultsOf(std::move(y));
}
Results evalRmsNorm(Evaluation &e, lm::RmsNormOp op) { return evalNorm(e, op); }
Results evalLayerNorm(Evaluation &e, lm::LayerNormOp op) { return evalNorm(e, op); }

Results evalMatmul(Evaluation &e, lm::MatmulOp op) {
  const Weight &weight = *e.weight(op.getWeight());
  Tensor y;
  if (op.getGain()) {
    NormShape shape{op.getCentred(), op.getNormEps()->convertToDouble()};
    y = matmul(norm(e.tensor(op.getX()), e.weight(op.getGain()).get(), e.optionalWeight(op.getShift()), shape), weight);
  } else {
    y = matmul(e.tensor(op.getX()), weight);
  }
  if (op.getBias())
    y = addBias(std::move(y), *e.weight(op.getBias()));
  if (op.getGated())
    y = gate(activationOf(*op.getActivation()), y);
  else if (op.getActivation())
    y = activation(activationOf(*op.getActivation()), std::move(y));
  if (op.getScale())
    y = scale(std::move(y), op.getScale()->convertToDouble());
  if (op.getSoftcap())
    y = softcap(std::move(y), op.getSoftcap()->convertToDouble());
  if (op.getResidual())
    y = add(std::move(y), e.tensor(op.getResidual()));
  return resultsOf(std::move(y));
}

Results evalActivation(Evaluation &e, lm::ActivationOp op) {
  return resultsOf(activation(activationOf(op.getKind()), e.tensor(op.getX())));
}
Results evalScale(Evaluation &e, lm::ScaleOp op) {
  return resultsOf(scale(e.tensor(op.getX()), op.getFactor().convertToDouble()));
}
Results evalSoftcap(Evaluation &e, lm::SoftcapOp op) {
  return resultsOf(softcap(e.tensor(op.getX()), op.getCap().convertToDouble()));
}
Results evalAdd(Evaluation &e, lm::AddOp op) { return resultsOf(add(e.tensor(op.getLhs()), e.tensor(op.getRhs()))); }
Results evalMul(Evaluation &e, lm::MulOp op) {
  return resultsOf(multiply(e.tensor(op.getLhs()), e.tensor(op.getRhs())));
}

} // namespace

llvm::ArrayRef<OpEval> denseEvals() {
  static const OpEval table[] = {
      eval<evalEmbedding>(), eval<evalRmsNorm>(), eval<evalLayerNorm>(), eval<evalMatmul>(), eval<evalActivation>(),
      eval<evalScale>(),     eval<evalSoftcap>(), eval<evalAdd>(),       eval<evalMul>(),
  };
  return table;
}

} // namespace quipu::reference
