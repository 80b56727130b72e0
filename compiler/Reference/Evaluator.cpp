#include "compiler/Reference/Evaluation.h"

#include "llvm/ADT/StringMap.h"

#include <numeric>

namespace quipu::reference {
namespace {

// The results of one op; an op the oracle does not know is our own mistake, found by the op's missing test.
Results runOp(Evaluation &evaluation, mlir::Operation *op) {
  static const auto *evals = [] {
    auto *all = new llvm::StringMap<decltype(OpEval::run)>();
    for (llvm::ArrayRef<OpEval> table : {weightEvals(), denseEvals(), attentionEvals(), expertEvals(), rowEvals()})
      for (const OpEval &entry : table)
        (*all)[entry.op] = entry.run;
    return all;
  }();
  auto found = evals->find(op->getName().getStringRef());
  if (found == evals->end())
    return makeError("the reference has no meaning for {}", op->getName().getStringRef().str());
  return found->second(evaluation, op);
}

Expected<> checkInputs(lm::FuncOp function, const Inputs &inputs) {
  if (inputs.ids.size() != inputs.positions.size())
    return makeError("{} token ids with {} positions", inputs.ids.size(), inputs.positions.size());
  size_t arguments = function.getNumArguments();
  if (arguments != 2 && arguments != 5)
    return makeError(
        "@{} has {} arguments; expected the plain form (ids, pos) or the cached form (ids, pos, rows, batch, sampling)",
        function.getName().str(), arguments);
  const IntTensor &starts = inputs.batch.seqStarts;
  if (arguments == 5 && (starts.empty() || starts.front() != 0 || starts.back() != int64_t(inputs.ids.size()) ||
                         starts.size() != inputs.batch.sequences.size() + 1))
    return makeError("the batch's seq_starts do not cover {} tokens", inputs.ids.size());
  return {};
}

} // namespace

Expected<std::vector<Value>> evaluate(lm::FuncOp function, WeightSource &weights, const Inputs &inputs, Caches &caches,
                                      const Observer &observer) {
  if (auto checked = checkInputs(function, inputs); !checked)
    return passError(std::move(checked));
  Evaluation evaluation(weights, caches, inputs.routes);
  Batch batch = inputs.batch;
  batch.positions = inputs.positions;
  Sampling sampling = inputs.sampling;
  sampling.rows.resize(inputs.rows.size());
  std::vector<Value> arguments = {inputs.ids, inputs.positions, inputs.rows, std::move(batch), std::move(sampling)};
  for (mlir::BlockArgument argument : function.getArguments())
    evaluation.bind(argument, std::move(arguments[argument.getArgNumber()]));

  std::vector<Value> returned;
  for (mlir::Operation &op : function.getBody().front()) {
    if (llvm::isa<lm::ReturnOp>(op)) {
      for (mlir::Value result : op.getOperands())
        returned.push_back(evaluation.get(result));
      break;
    }
    auto results = runOp(evaluation, &op);
    if (!results)
      return passError(std::move(results));
    if (observer) {
      std::vector<const Value *> operands;
      for (mlir::Value operand : op.getOperands())
        operands.push_back(&evaluation.get(operand));
      observer(&op, operands, *results);
    }
    for (auto [result, value] : llvm::zip_equal(op.getResults(), *results))
      evaluation.bind(result, std::move(value));
  }
  return returned;
}

Expected<Tensor> evaluateLogits(lm::FuncOp function, WeightSource &weights, const IntTensor &ids,
                                RouteChoices *routes) {
  Inputs inputs;
  inputs.routes = routes;
  inputs.ids = ids;
  inputs.positions.resize(ids.size());
  std::iota(inputs.positions.begin(), inputs.positions.end(), 0);
  inputs.rows = inputs.positions;
  inputs.batch.seqStarts = {0, int32_t(ids.size())};
  inputs.batch.sequences = {0};
  Caches caches;
  auto results = evaluate(function, weights, inputs, caches);
  if (!results)
    return passError(std::move(results));
  return std::get<Tensor>(std::move(results->front()));
}

} // namespace quipu::reference
