// Evaluates a function of the lm dialect, plain or cached form, fused or not, in float64.
#pragma once

#include "compiler/Dialect/LM/IR/LMOps.h"
#include "compiler/Quantization/WeightPiece.h"
#include "compiler/Reference/Ops.h"
#include "compiler/Reference/Sampling.h"
#include "runtime/Support/Error.h"
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace quipu::reference {

// Finds a piece of a weight, with the values that its blocks have in the storage format. An error names the tensor.
class WeightSource {
public:
  virtual ~WeightSource() = default;
  virtual Expected<std::shared_ptr<const Weight>> find(const WeightPiece &piece, const StorageFormat &storage) = 0;
};

// What a value of the graph can be. A cache is shared by the values that follow from one another: lm's value semantics
// allow one live version at a time, and every pass keeps it so.
using Value = std::variant<std::monostate, Tensor, IntTensor, std::shared_ptr<const Weight>, std::shared_ptr<Cache>,
                           Batch, Sampling>;

// The experts that each lm.route of a function chose, in the order of the ops: recorded, or given to be taken instead
// of its own choice. Where two experts score about the same, rounding decides between them, and what follows cannot be
// compared with a model that has the other.
struct RouteChoices {
  std::vector<IntTensor> ids;
  bool given = false;
};

struct Inputs {
  IntTensor ids;
  IntTensor positions;
  IntTensor rows;    // cached form only
  Batch batch;       // cached form only; its positions are filled from `positions`
  Sampling sampling; // cached form only; rows past its end are greedy
  RouteChoices *routes = nullptr;
};

// The KV caches by layer; kept by the caller from step to step.
using Caches = std::map<int64_t, std::shared_ptr<Cache>>;

// Called after each op that computes, with its operands and results in order.
using Observer = std::function<void(mlir::Operation *, const std::vector<const Value *> &operands,
                                    const std::vector<Value> &results)>;

// Runs `function` on `inputs` and returns its results. Errors: ids, positions, rows or batch that do not fit the
// function; a weight that is missing.
Expected<std::vector<Value>> evaluate(lm::FuncOp function, WeightSource &weights, const Inputs &inputs, Caches &caches,
                                      const Observer &observer = {});

// Whole prompt in, logits of every row out, for a function in either form; a convenience for comparing forms and
// goldens.
Expected<Tensor> evaluateLogits(lm::FuncOp function, WeightSource &weights, const IntTensor &ids,
                                RouteChoices *routes = nullptr);

} // namespace quipu::reference
