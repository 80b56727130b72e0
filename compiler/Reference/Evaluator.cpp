#include "compiler/Reference/Evaluator.h"
#include "runtime/Artifact/StorageFormat.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include <numeric>

namespace quipu::reference {
namespace {

// Several weights as one, along rows. Vectors are one row each and are joined end to end.
class JoinedWeight : public Weight {
public:
  JoinedWeight(std::vector<std::shared_ptr<const Weight>> parts, bool vectors)
      : parts(std::move(parts)), vectors(vectors) {}

  int64_t rows() const override { return vectors ? 1 : total(&Weight::rows); }
  int64_t cols() const override { return vectors ? total(&Weight::cols) : parts.front()->cols(); }

  void readRow(int64_t i, double *out) const override {
    for (const auto &part : parts) {
      if (vectors) {
        part->readRow(0, out);
        out += part->cols();
        continue;
      }
      if (i < part->rows())
        return part->readRow(i, out);
      i -= part->rows();
    }
  }

private:
  int64_t total(int64_t (Weight::*size)() const) const {
    return std::accumulate(parts.begin(), parts.end(), int64_t(0),
                           [&](int64_t sum, const auto &part) { return sum + (part.get()->*size)(); });
  }

  std::vector<std::shared_ptr<const Weight>> parts;
  bool vectors;
};

fb::DType cacheDtype(lm::KvType type) {
  return type.getElem().isInteger(8) ? fb::DType::i8 : lm::getStorageFormat(type.getElem())->dtype;
}

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
  }
  llvm_unreachable("all activations are listed");
}

Rope ropeOf(lm::RopeAttr attr) {
  return {attr.getDim(), attr.getLayout() == lm::RopeLayout::interleaved, attr.getAttentionFactor(),
          attr.getInvFreq().vec()};
}

std::optional<int64_t> windowOf(std::optional<uint64_t> window) {
  return window ? std::optional<int64_t>(*window) : std::nullopt;
}

class Evaluator {
public:
  Evaluator(WeightSource &weights, Caches &caches) : weights(weights), caches(caches) {}

  void bind(mlir::Value value, Value content) { values[value] = std::move(content); }

  // The results of one op; an op the oracle does not know is our own mistake, found by the op's missing test.
  Expected<std::vector<Value>> run(mlir::Operation *op) {
    return llvm::TypeSwitch<mlir::Operation *, Expected<std::vector<Value>>>(op)
        .Case<lm::WeightOp, lm::ConcatRowsOp, lm::EmbeddingOp, lm::RmsNormOp, lm::MatmulOp, lm::ActivationOp, lm::AddOp,
              lm::MulOp, lm::SliceColumnsOp, lm::RopeOp, lm::AttentionOp, lm::SelectRowsOp, lm::SampleOp, lm::KvCacheOp,
              lm::KvAppendOp, lm::CachedAttentionOp, lm::RopeAppendOp>([&](auto known) { return eval(known); })
        .Default([](mlir::Operation *unknown) -> Expected<std::vector<Value>> {
          return makeError("the reference has no meaning for {}", unknown->getName().getStringRef().str());
        });
  }

  const Value &get(mlir::Value value) { return values.find(value)->second; }

private:
  using Results = Expected<std::vector<Value>>;

  const Tensor &tensor(mlir::Value value) { return std::get<Tensor>(get(value)); }
  const IntTensor &ints(mlir::Value value) { return std::get<IntTensor>(get(value)); }
  const std::shared_ptr<const Weight> &weight(mlir::Value value) {
    return std::get<std::shared_ptr<const Weight>>(get(value));
  }
  const std::shared_ptr<Cache> &cache(mlir::Value value) { return std::get<std::shared_ptr<Cache>>(get(value)); }
  const Batch &batch(mlir::Value value) { return std::get<Batch>(get(value)); }

  template <typename... T> static Results results(T &&...result) {
    std::vector<Value> list;
    (list.emplace_back(std::forward<T>(result)), ...);
    return list;
  }

  Results eval(lm::WeightOp op) {
    auto type = op.getResult().getType();
    auto found = weights.find(op.getTensorName().str(), *lm::getStorageFormat(type.getElementType()));
    if (!found)
      return passError(std::move(found));
    return results(std::move(*found));
  }

  Results eval(lm::ConcatRowsOp op) {
    std::vector<std::shared_ptr<const Weight>> parts;
    for (mlir::Value part : op.getWeights())
      parts.push_back(weight(part));
    bool vectors = op.getResult().getType().getRank() == 1;
    return results(std::shared_ptr<const Weight>(std::make_shared<JoinedWeight>(std::move(parts), vectors)));
  }

  Results eval(lm::EmbeddingOp op) {
    for (int32_t id : ints(op.getIds()))
      if (id < 0 || id >= weight(op.getTable())->rows())
        return makeError("token id {} is outside the vocabulary of {}", id, weight(op.getTable())->rows());
    return results(embedding(ints(op.getIds()), *weight(op.getTable())));
  }

  Results eval(lm::RmsNormOp op) {
    return results(rmsNorm(tensor(op.getX()), *weight(op.getGain()), op.getEps().convertToDouble()));
  }

  Results eval(lm::MatmulOp op) {
    Tensor y = op.getGain()
                   ? matmul(rmsNorm(tensor(op.getX()), *weight(op.getGain()), op.getNormEps()->convertToDouble()),
                            *weight(op.getWeight()))
                   : matmul(tensor(op.getX()), *weight(op.getWeight()));
    if (op.getBias())
      y = addBias(std::move(y), *weight(op.getBias()));
    if (op.getGated())
      y = gate(activationOf(*op.getActivation()), y);
    else if (op.getActivation())
      y = activation(activationOf(*op.getActivation()), std::move(y));
    if (op.getResidual())
      y = add(std::move(y), tensor(op.getResidual()));
    return results(std::move(y));
  }

  Results eval(lm::ActivationOp op) { return results(activation(activationOf(op.getKind()), tensor(op.getX()))); }
  Results eval(lm::AddOp op) { return results(add(tensor(op.getLhs()), tensor(op.getRhs()))); }
  Results eval(lm::MulOp op) { return results(multiply(tensor(op.getLhs()), tensor(op.getRhs()))); }
  Results eval(lm::SliceColumnsOp op) { return results(sliceColumns(tensor(op.getX()), op.getOffset(), op.getSize())); }

  Results eval(lm::SampleOp op) {
    const Tensor &logits = tensor(op.getLogits());
    const auto &sampling = std::get<Sampling>(get(op.getSampling()));
    uint64_t words = seenWords(uint64_t(logits.cols));
    for (size_t row = 0; row < sampling.rows.size(); ++row)
      if (sampling.rows[row].repetitionPenalty != 1 && sampling.seen.size() < (row + 1) * words)
        return makeError("row {} has a repetition penalty and no tokens that were seen", row);
    if (int64_t(sampling.rows.size()) != logits.rows)
      return makeError("{} rows of sampling with {} of logits", sampling.rows.size(), logits.rows);
    return results(sample(logits, sampling));
  }

  Results eval(lm::SelectRowsOp op) {
    for (int32_t row : ints(op.getRows()))
      if (row < 0 || row >= tensor(op.getX()).rows)
        return makeError("row {} is asked for of a step with {} tokens", row, tensor(op.getX()).rows);
    return results(selectRows(tensor(op.getX()), ints(op.getRows())));
  }

  Results eval(lm::RopeOp op) {
    return results(rope(tensor(op.getX()), ints(op.getPositions()), ropeOf(op.getRope())));
  }

  Results eval(lm::AttentionOp op) {
    AttentionShape shape{int64_t(op.getHeads()), int64_t(op.getKvHeads()), op.getScale().convertToDouble(),
                         windowOf(op.getWindow())};
    return results(attention(tensor(op.getQ()), tensor(op.getK()), tensor(op.getV()), shape, op.getCausal()));
  }

  Results eval(lm::KvCacheOp op) {
    std::shared_ptr<Cache> &held = caches[op.getLayer()];
    if (!held)
      held = std::make_shared<Cache>();
    return results(held);
  }

  Results eval(lm::KvAppendOp op) {
    kvAppend(*cache(op.getCache()), tensor(op.getK()), tensor(op.getV()), batch(op.getBatch()),
             cacheDtype(op.getCache().getType()), op.getCache().getType().getDim());
    return results(cache(op.getCache()));
  }

  Results eval(lm::CachedAttentionOp op) {
    AttentionShape shape{int64_t(op.getHeads()), op.getCache().getType().getHeads(), op.getScale().convertToDouble(),
                         windowOf(op.getWindow())};
    return results(cachedAttention(tensor(op.getQ()), *cache(op.getCache()), batch(op.getBatch()), shape));
  }

  Results eval(lm::RopeAppendOp op) {
    const Tensor &qkv = tensor(op.getQkv());
    lm::KvType type = op.getCache().getType();
    int64_t kv = type.getHeads() * type.getDim(), width = op.getHeads() * type.getDim();
    Tensor q = sliceColumns(qkv, 0, width), k = sliceColumns(qkv, width, kv);
    Tensor v = op.getV() ? tensor(op.getV()) : sliceColumns(qkv, width + kv, kv);
    if (auto attr = op.getRopeAttr()) {
      q = rope(std::move(q), ints(op.getPositions()), ropeOf(attr));
      k = rope(std::move(k), ints(op.getPositions()), ropeOf(attr));
    }
    kvAppend(*cache(op.getCache()), k, v, batch(op.getBatch()), cacheDtype(type), type.getDim());
    return results(std::move(q), cache(op.getCache()));
  }

  WeightSource &weights;
  Caches &caches;
  llvm::DenseMap<mlir::Value, Value> values;
};

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
  Evaluator evaluator(weights, caches);
  Batch batch = inputs.batch;
  batch.positions = inputs.positions;
  Sampling sampling = inputs.sampling;
  sampling.rows.resize(inputs.rows.size());
  std::vector<Value> arguments = {inputs.ids, inputs.positions, inputs.rows, std::move(batch), std::move(sampling)};
  for (mlir::BlockArgument argument : function.getArguments())
    evaluator.bind(argument, std::move(arguments[argument.getArgNumber()]));

  std::vector<Value> returned;
  for (mlir::Operation &op : function.getBody().front()) {
    if (llvm::isa<lm::ReturnOp>(op)) {
      for (mlir::Value result : op.getOperands())
        returned.push_back(evaluator.get(result));
      break;
    }
    auto results = evaluator.run(&op);
    if (!results)
      return passError(std::move(results));
    if (observer) {
      std::vector<const Value *> operands;
      for (mlir::Value operand : op.getOperands())
        operands.push_back(&evaluator.get(operand));
      observer(&op, operands, *results);
    }
    for (auto [result, value] : llvm::zip_equal(op.getResults(), *results))
      evaluator.bind(result, std::move(value));
  }
  return returned;
}

Expected<Tensor> evaluateLogits(lm::FuncOp function, WeightSource &weights, const IntTensor &ids) {
  Inputs inputs;
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
