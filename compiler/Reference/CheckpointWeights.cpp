#include "compiler/Reference/CheckpointWeights.h"

#include "compiler/Quantization/TensorRows.h"

namespace quipu::reference {
namespace {

class CheckpointWeight : public Weight {
public:
  explicit CheckpointWeight(quantization::TensorRows stored) : stored(std::move(stored)) {}

  int64_t rows() const override { return stored.rows(); }
  int64_t cols() const override { return stored.rowSize(); }

  void readRow(int64_t i, double *out) const override {
    std::vector<float> row(cols());
    stored.readValues(i, row.data());
    std::copy(row.begin(), row.end(), out);
  }

private:
  quantization::TensorRows stored;
};

} // namespace

Expected<std::shared_ptr<const Weight>> CheckpointWeights::find(const WeightPiece &piece,
                                                                const StorageFormat &storage) {
  const models::TensorInfo *tensor = checkpoint.find(piece.tensor);
  if (!tensor)
    return makeError("{}: no tensor named {}", checkpoint.path(), piece.tensor);
  auto rows = quantization::TensorRows::create(*tensor, piece, storage);
  if (!rows)
    return passError(std::move(rows));
  return std::make_shared<CheckpointWeight>(*rows);
}

} // namespace quipu::reference
