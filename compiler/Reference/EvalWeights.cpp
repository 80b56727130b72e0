// Weights and what is made of them.
#include "compiler/Reference/Evaluation.h"

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

// Matrix number `index` of a stack whose matrices have `count` rows.
class RowsOfWeight : public Weight {
public:
  RowsOfWeight(std::shared_ptr<const Weight> whole, int64_t index, int64_t count)
      : whole(std::move(whole)), index(index), count(count) {}

  int64_t rows() const override { return count; }
  int64_t cols() const override { return whole->cols(); }
  void readRow(int64_t i, double *out) const override { whole->readRow(index * count + i, out); }

private:
  std::shared_ptr<const Weight> whole;
  int64_t index, count;
};

// The matrices of a stack, expert after expert, as one weight of all their rows.
class StackedWeight : public Weight {
public:
  explicit StackedWeight(std::vector<std::shared_ptr<const Weight>> matrices) : matrices(std::move(matrices)) {}

  int64_t rows() const override { return int64_t(matrices.size()) * rowsOfOne(); }
  int64_t cols() const override { return matrices.front()->cols(); }
  void readRow(int64_t i, double *out) const override {
    matrices[size_t(i / rowsOfOne())]->readRow(i % rowsOfOne(), out);
  }

private:
  int64_t rowsOfOne() const { return matrices.front()->rows(); }

  std::vector<std::shared_ptr<const Weight>> matrices;
};

// Of all that is one piece of a tensor: its storage is that of the last op's result.
template <typename Op> Results evalPiece(Evaluation &e, Op op) {
  const StorageFormat &storage = *lm::getStorageFormat(op.getResult().getType().getElementType());
  auto found = e.weights.find(op.getPieces().front(), storage);
  if (!found)
    return passError(std::move(found));
  return resultsOf(std::move(*found));
}

Results evalWeightStack(Evaluation &e, lm::WeightStackOp op) {
  const StorageFormat &storage = *lm::getStorageFormat(op.getResult().getType().getElementType());
  std::vector<std::shared_ptr<const Weight>> matrices;
  llvm::ArrayRef<int64_t> shape = op.getResult().getType().getShape();
  for (int64_t expert = 0; expert < shape[0]; ++expert) {
    auto found = e.weights.find(op.getPieces().front().ofExpert(expert, shape[1]), storage);
    if (!found)
      return passError(std::move(found));
    matrices.push_back(std::move(*found));
  }
  return resultsOf(std::shared_ptr<const Weight>(std::make_shared<StackedWeight>(std::move(matrices))));
}

// Of stacks: expert by expert, the rows of all parts.
std::shared_ptr<const Weight> joinStacks(llvm::ArrayRef<std::shared_ptr<const Weight>> parts, int64_t experts) {
  std::vector<std::shared_ptr<const Weight>> matrices;
  for (int64_t expert = 0; expert < experts; ++expert) {
    std::vector<std::shared_ptr<const Weight>> rows;
    for (const auto &part : parts)
      rows.push_back(std::make_shared<RowsOfWeight>(part, expert, part->rows() / experts));
    matrices.push_back(std::make_shared<JoinedWeight>(std::move(rows), /*vectors=*/false));
  }
  return std::make_shared<StackedWeight>(std::move(matrices));
}

Results evalConcatRows(Evaluation &e, lm::ConcatRowsOp op) {
  std::vector<std::shared_ptr<const Weight>> parts;
  for (mlir::Value part : op.getWeights())
    parts.push_back(e.weight(part));
  if (op.getResult().getType().getRank() == 3)
    return resultsOf(joinStacks(parts, op.getResult().getType().getDimSize(0)));
  bool vectors = op.getResult().getType().getRank() == 1;
  return resultsOf(std::shared_ptr<const Weight>(std::make_shared<JoinedWeight>(std::move(parts), vectors)));
}

} // namespace

llvm::ArrayRef<OpEval> weightEvals() {
  static const OpEval table[] = {
      eval<evalPiece<lm::WeightOp>>(),
      eval<evalPiece<lm::WeightTransposeOp>>(),
      eval<evalPiece<lm::WeightRowsOp>>(),
      eval<evalPiece<lm::WeightAffineOp>>(),
      eval<evalWeightStack>(),
      eval<evalConcatRows>(),
  };
  return table;
}

} // namespace quipu::reference
