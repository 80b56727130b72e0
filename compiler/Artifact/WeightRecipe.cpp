#include "compiler/Artifact/WeightRecipe.h"

#include "compiler/Codegen/Cpu/PackWeights.h"
#include "compiler/Codegen/Gpu/PackWeights.h"
#include "runtime/Artifact/WeightLayout.h"

#include <fmt/ranges.h>

namespace quipu {

static Expected<std::unique_ptr<WeightPacker>> bindWeight(const models::Checkpoint &checkpoint,
                                                          const WeightRecipe &recipe,
                                                          const quantization::ColumnImportance &importance) {
  const StorageFormat *storage = findStorageFormat(recipe.storage);
  if (!storage)
    return makeError("weight '{}': weights are not stored as {}", recipe.sources.front(), dtypeName(recipe.storage));
  std::vector<WeightTensor> tensors;
  uint64_t rows = 0;
  for (const std::string &name : recipe.sources) {
    const models::TensorInfo *tensor = checkpoint.find(name);
    if (!tensor)
      return makeError("{}: there is no tensor '{}', which the model needs", checkpoint.path(), name);
    // Matrices one above the other, [E, N, K], are rows as well.
    bool isVector = recipe.shape.size() == 1, agree = isVector == (tensor->shape.size() < 2);
    if (!agree || (!isVector && uint64_t(tensor->rowSize()) != recipe.shape[1]))
      return makeError("{}: tensor '{}' has shape [{}]; the model reads {} of {}", tensor->file, name,
                       fmt::join(tensor->shape, ","), recipe.shape.size() == 1 ? "a vector" : "rows",
                       recipe.shape.back());
    rows += uint64_t(isVector ? tensor->elements() : tensor->rows());
    auto columns = importance.find(name);
    bool isWeighed = columns != importance.end() && columns->second.size() == uint64_t(tensor->rowSize());
    tensors.push_back({tensor, isWeighed ? columns->second.data() : nullptr});
  }
  if (rows != recipe.shape[0])
    return makeError("{}: tensor '{}' and those joined with it have {} rows, expected {}", checkpoint.path(),
                     recipe.sources.front(), rows, recipe.shape[0]);
  Expected<WeightRows> joined = WeightRows::create(tensors, *storage);
  if (!joined)
    return passError(std::move(joined));
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
