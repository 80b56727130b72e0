#include "compiler/Artifact/WeightRecipe.h"

#include "compiler/Codegen/Cpu/PackWeights.h"
#include "compiler/Codegen/Gpu/PackWeights.h"
#include "runtime/Artifact/WeightLayout.h"

#include <fmt/ranges.h>

namespace quipu {

// The tensor of a piece, which must have the rank of the weight and rows of its size.
static Expected<WeightTensor> bindPiece(const models::Checkpoint &checkpoint, const std::string &source,
                                        const WeightRecipe &recipe, const quantization::ColumnImportance &importance) {
  Expected<WeightPiece> piece = WeightPiece::parse(source);
  if (!piece)
    return passError(std::move(piece));
  const models::TensorInfo *tensor = checkpoint.find(piece->tensor);
  if (!tensor)
    return makeError("{}: there is no tensor '{}', which the model needs", checkpoint.path(), piece->tensor);
  bool vector = recipe.shape.size() == 1;
  int64_t columns = piece->transposed ? tensor->rows() : tensor->rowSize();
  // Matrices one above the other, [E, N, K], are rows as well.
  if (vector != (tensor->shape.size() < 2) || (!vector && uint64_t(columns) != recipe.shape[1]))
    return makeError("{}: tensor '{}' has shape [{}]; the model reads {} of {}", tensor->file, piece->tensor,
                     fmt::join(tensor->shape, ","),
                     vector              ? "a vector"
                     : piece->transposed ? "columns"
                                         : "rows",
                     recipe.shape.back());
  auto known = importance.find(piece->tensor);
  bool isWeighed = known != importance.end() && known->second.size() == uint64_t(columns);
  return WeightTensor{tensor, std::move(*piece), isWeighed ? known->second.data() : nullptr};
}

static Expected<std::unique_ptr<WeightPacker>> bindWeight(const models::Checkpoint &checkpoint,
                                                          const WeightRecipe &recipe,
                                                          const quantization::ColumnImportance &importance) {
  const StorageFormat *storage = findStorageFormat(recipe.storage);
  if (!storage)
    return makeError("weight '{}': weights are not stored as {}", recipe.sources.front(), dtypeName(recipe.storage));
  std::vector<WeightTensor> tensors;
  for (const std::string &source : recipe.sources) {
    Expected<WeightTensor> tensor = bindPiece(checkpoint, source, recipe, importance);
    if (!tensor)
      return passError(std::move(tensor));
    tensors.push_back(std::move(*tensor));
  }
  Expected<WeightRows> joined = WeightRows::create(tensors, *storage);
  if (!joined)
    return passError(std::move(joined));
  if (uint64_t(joined->rows()) != recipe.shape[0])
    return makeError("{}: tensor '{}' and those joined with it have {} rows, expected {}", checkpoint.path(),
                     recipe.sources.front(), joined->rows(), recipe.shape[0]);
  if (recipe.layout == "tile64" || recipe.layout == "tile64_gated")
    return gpu::TilePacker::create(std::move(*joined), recipe.layout == "tile64_gated");
  Expected<cpu::WeightForm> form = cpu::parseWeightForm(recipe.layout);
  if (!form)
    return passError(std::move(form));
  return cpu::PanelPacker::create(std::move(*joined), *form);
}

Expected<std::vector<std::unique_ptr<WeightPacker>>> bindWeights(const models::Checkpoint &checkpoint,
                                                                 const std::vector<WeightRecipe> &recipes,
                                                                 const quantization::ColumnImportance &importance) {
  std::vector<std::unique_ptr<WeightPacker>> packers;
  for (const WeightRecipe &recipe : recipes) {
    Expected<std::unique_ptr<WeightPacker>> packer = bindWeight(checkpoint, recipe, importance);
    if (!packer)
      return passError(std::move(packer));
    packers.push_back(std::move(*packer));
  }
  return packers;
}

} // namespace quipu
