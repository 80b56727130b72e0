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

// Of all that is one piece of a tensor: its storage is that of the last op's result.
template <typename Op> Results evalPiece(Evaluation &e, Op op) {
  const StorageFormat &storage = *lm::getStorageFormat(op.getResult().getType().getElementType());
  auto found = e.weights.find(op.getPieces().front(), storage);
  if (!found)
    return passError(std::move(found));
  return resultsOf(std::move(*found));
}

Results evalConcatRows(Evaluation &e, lm::ConcatRowsOp op) {
  std::vector<std::shared_ptr<const Weight>> parts;
  for (mlir::Value part : op.getWeights())
    parts.push_back(e.weight(part));
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
      eval<evalConcatRows>(),
  };
  return table;
}

} // namespace quipu::reference
