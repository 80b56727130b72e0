// What the evals of ops see: the values computed so far, the weights and the caches. Each family of ops has a file
// Eval*.cpp with one function an op and a table of them; Evaluator.cpp runs the tables.
#pragma once

#include "compiler/Reference/Evaluator.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"

namespace quipu::reference {

using Results = Expected<std::vector<Value>>;

class Evaluation {
public:
  Evaluation(WeightSource &weights, Caches &caches, RouteChoices *routes)
      : weights(weights), caches(caches), routes(routes) {}

  void bind(mlir::Value value, Value content) { values[value] = std::move(content); }
  const Value &get(mlir::Value value) const { return values.find(value)->second; }

  const Tensor &tensor(mlir::Value value) const { return std::get<Tensor>(get(value)); }
  const IntTensor &ints(mlir::Value value) const { return std::get<IntTensor>(get(value)); }
  const std::shared_ptr<const Weight> &weight(mlir::Value value) const {
    return std::get<std::shared_ptr<const Weight>>(get(value));
  }
  // Null for an operand that is not there.
  const Weight *optionalWeight(mlir::Value value) const { return value ? weight(value).get() : nullptr; }
  const std::shared_ptr<Cache> &cache(mlir::Value value) const { return std::get<std::shared_ptr<Cache>>(get(value)); }
  const Batch &batch(mlir::Value value) const { return std::get<Batch>(get(value)); }

  WeightSource &weights;
  Caches &caches;
  RouteChoices *routes; // null: nobody records or gives any
  size_t nextRoute = 0; // of those that are given

private:
  llvm::DenseMap<mlir::Value, Value> values;
};

template <typename... T> Results resultsOf(T &&...result) {
  std::vector<Value> list;
  (list.emplace_back(std::forward<T>(result)), ...);
  return list;
}

Activation activationOf(lm::ActivationKind kind);

// The results of one op.
struct OpEval {
  llvm::StringRef op; // "lm.matmul"
  Results (*run)(Evaluation &, mlir::Operation *);
};

// The table entry of an op: eval<evalMatmul>().
template <auto function> struct EvalOf;
template <typename Op, Results (*function)(Evaluation &, Op)> struct EvalOf<function> {
  static OpEval entry() {
    return {Op::getOperationName(),
            [](Evaluation &evaluation, mlir::Operation *op) { return function(evaluation, llvm::cast<Op>(op)); }};
  }
};
template <auto function> OpEval eval() { return EvalOf<function>::entry(); }

// The tables, a file each.
llvm::ArrayRef<OpEval> weightEvals();
llvm::ArrayRef<OpEval> denseEvals();
llvm::ArrayRef<OpEval> attentionEvals();
llvm::ArrayRef<OpEval> expertEvals();
llvm::ArrayRef<OpEval> rowEvals();

} // namespace quipu::reference
