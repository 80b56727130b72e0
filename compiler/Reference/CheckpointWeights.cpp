#include "compiler/Reference/CheckpointWeights.h"
#include "models/import/FloatConversion.h"

namespace quipu::reference {
namespace {

class CheckpointWeight : public Weight {
public:
  CheckpointWeight(const models::TensorInfo &tensor, CacheElement storage) : tensor(tensor), storage(storage) {}

  int64_t rows() const override { return tensor.rows(); }
  int64_t cols() const override { return tensor.rowSize(); }

  void readRow(int64_t i, double *out) const override {
    std::vector<float> row(cols());
    [[maybe_unused]] auto converted = models::convertRows(tensor, i, 1, row.data());
    assert(converted && "find() admits only tensors that convert");
    for (int64_t k = 0; k < cols(); ++k)
      out[k] = roundTo(storage, row[k]);
  }

private:
  const models::TensorInfo &tensor;
  CacheElement storage;
};

} // namespace

Expected<std::shared_ptr<const Weight>> CheckpointWeights::find(const std::string &name, CacheElement storage) {
  const models::TensorInfo *tensor = checkpoint.find(name);
  if (!tensor)
    return makeError("{}: no tensor named {}", checkpoint.path(), name);
  if (!models::isWeightType(tensor->dtype))
    return makeError("{}: tensor {} is {}; expected F32, F16 or BF16", tensor->file, name,
                     models::dtypeName(tensor->dtype));
  return std::make_shared<CheckpointWeight>(*tensor, storage);
}

} // namespace quipu::reference
