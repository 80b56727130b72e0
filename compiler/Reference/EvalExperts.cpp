// Routers and the matmuls of experts.
#include "compiler/Reference/Evaluation.h"

namespace quipu::reference {
namespace {

Results evalRoute(Evaluation &e, lm::RouteOp op) {
  RouteShape shape;
  shape.sigmoid = op.getScore() == lm::RouteScore::sigmoid;
  shape.chosen = int64_t(op.getChosen());
  shape.normalize = op.getNormalize();
  shape.scale = op.getScale() ? op.getScale()->convertToDouble() : 1;
  shape.groups = int64_t(op.getGroups());
  shape.keptGroups = int64_t(op.getKeptGroups());
  const Tensor &logits = e.tensor(op.getLogits());
  if (e.routes && e.routes->given) {
    if (e.nextRoute >= e.routes->ids.size() || int64_t(e.routes->ids[e.nextRoute].size()) != logits.rows * shape.chosen)
      return makeError("the choices of experts that are given are not those of this function");
    const IntTensor &ids = e.routes->ids[e.nextRoute++];
    return resultsOf(ids, routeWeights(logits, ids, shape));
  }
  Routing routing = route(logits, e.optionalWeight(op.getBias()), shape);
  if (e.routes)
    e.routes->ids.push_back(routing.ids);
  return resultsOf(std::move(routing.ids), std::move(routing.weights));
}

// The products as rows of their own, as the functions of one matmul take them.
Tensor reshaped(Tensor x, int64_t rows) {
  x.cols = x.rows * x.cols / rows;
  x.rows = rows;
  return x;
}

Results evalExpertMatmul(Evaluation &e, lm::ExpertMatmulOp op) {
  const IntTensor &ids = e.ints(op.getIds());
  for (int32_t id : ids)
    if (id < 0 || id >= op.getExperts())
      return makeError("expert {} is asked for, of {}", id, op.getExperts());
  const Tensor &x = e.tensor(op.getX());
  int64_t products = x.rows * op.getChosen();
  Tensor y = expertMatmul(x, *e.weight(op.getWeight()), op.getWeight().getType().getDimSize(1), ids, op.getChosen());
  y = reshaped(std::move(y), products);
  if (op.getGated())
    y = gate(activationOf(*op.getActivation()), y);
  else if (op.getActivation())
    y = activation(activationOf(*op.getActivation()), std::move(y));
  y = reshaped(std::move(y), x.rows);
  if (op.getCombine())
    y = combine(y, e.tensor(op.getCombine()));
  if (op.getResidual())
    y = add(std::move(y), e.tensor(op.getResidual()));
  return resultsOf(std::move(y));
}

} // namespace

llvm::ArrayRef<OpEval> expertEvals() {
  static const OpEval table[] = {
      eval<evalRoute>(),
      eval<evalExpertMatmul>(),
  };
  return table;
}

} // namespace quipu::reference
