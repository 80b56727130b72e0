#include "compiler/Artifact/WeightRecipe.h"

#include "runtime/Artifact/WeightLayout.h"

namespace quipu {

static Expected<cpu::WeightPacker> bindWeight(const models::Checkpoint &checkpoint, const WeightRecipe &recipe) {
  if (recipe.storage != fb::DType::f32 && recipe.storage != fb::DType::bf16)
    return makeError("weight '{}': storage of {} cannot be packed", recipe.sources.front(), dtypeName(recipe.storage));
  Expected<cpu::WeightForm> form = cpu::parseWeightForm(recipe.layout);
  if (!form)
    return passError(std::move(form));
  std::vector<const models::TensorInfo *> tensors;
  uint64_t rows = 0;
  for (const std::string &name : recipe.sources) {
    const models::TensorInfo *tensor = checkpoint.find(name);
    if (!tensor)
      return makeError("{}: there is no tensor '{}', which the model needs", checkpoint.path(), name);
    bool columnsAgree = recipe.shape.size() == 1 || uint64_t(tensor->rowSize()) == recipe.shape[1];
    if (tensor->shape.size() != recipe.shape.size() || !columnsAgree)
      return makeError("{}: tensor '{}' does not have the rank and columns the model gives it", tensor->file, name);
    rows += uint64_t(tensor->shape[0]);
    tensors.push_back(tensor);
  }
  if (rows != recipe.shape[0])
    return makeError("{}: tensor '{}' and those joined with it have {} rows, expected {}", checkpoint.path(),
                     recipe.sources.front(), rows, recipe.shape[0]);
  cpu::Storage storage = recipe.storage == fb::DType::f32 ? cpu::Storage::F32 : cpu::Storage::BF16;
  return cpu::WeightPacker::create(std::move(tensors), storage, *form);
}

Expected<std::vector<cpu::WeightPacker>> bindWeights(const models::Checkpoint &checkpoint,
                                                     const std::vector<WeightRecipe> &recipes) {
  std::vector<cpu::WeightPacker> packers;
  for (const WeightRecipe &recipe : recipes) {
    Expected<cpu::WeightPacker> packer = bindWeight(checkpoint, recipe);
    if (!packer)
      return passError(std::move(packer));
    packers.push_back(std::move(*packer));
  }
  return packers;
}

} // namespace quipu
