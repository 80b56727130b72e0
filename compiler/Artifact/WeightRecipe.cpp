#include "compiler/Artifact/WeightRecipe.h"

#include "compiler/Codegen/Cpu/PackWeights.h"
#include "compiler/Codegen/Gpu/PackWeights.h"
#include "runtime/Artifact/WeightLayout.h"

#include <fmt/ranges.h>

namespace quipu {

// The tensor of a piece, which must be a vector where the weight is one, else have rows of its size.
static Expected<WeightTensor> bindPiece(const models::Checkpoint &checkpoint, WeightPiece piece,
                                        const WeightRecipe &recipe, const quantization::ColumnImportance &importance) {
  const models::TensorInfo *tensor = checkpoint.find(piece.tensor);
  if (!tensor)
    return makeError("{}: there is no tensor '{}', which the model needs", checkpoint.path(), piece.tensor);
  bool vector = recipe.shape.size() == 1, agree = vector == (tensor->shape.size() < 2);
  int64_t columns = piece.transposed ? tensor->rows() : tensor->rowSize();
  if (!agree || (!vector && uint64_t(columns) != recipe.shape.back()))
    return makeError("{}: tensor '{}' has shape [{}]; the model reads {} of {}", tensor->file, piece.tensor,
                     fmt::join(tensor->shape, ","),
                     vector             ? "a vector"
                     : piece.transposed ? "columns"
                                        : "rows",
                     recipe.shape.back());
  auto known = importance.find(piece.tensor);
  bool isWeighed = known != importance.end() && known->second.size() == uint64_t(columns);
  return WeightTensor{tensor, std::move(piece), isWeighed ? known->second.data() : nullptr};
}

// All pieces: of a stack, whose sources have as many rows of each matrix, matrix after matrix.
static Expected<std::vector<WeightPiece>> piecesOf(const WeightRecipe &recipe) {
  bool isStack = recipe.shape.size() == 3;
  std::vector<WeightPiece> pieces;
  for (uint64_t matrix = 0; matrix < (isStack ? recipe.shape[0] : 1); ++matrix)
    for (const std::string &source : recipe.sources) {
      Expected<WeightPiece> piece = WeightPiece::parse(source);
      if (!piece)
        return passError(std::move(piece));
      int64_t rows = isStack ? int64_t(recipe.shape[1] / recipe.sources.size()) : 0;
      pieces.push_back(isStack ? piece->ofExpert(int64_t(matrix), rows) : std::move(*piece));
    }
  return pieces;
}

static Expected<std::unique_ptr<WeightPacker>> bindWeight(const models::Checkpoint &checkpoint,
                                                          const WeightRecipe &recipe,
                                                          const quantization::ColumnImportance &importance) {
  const StorageFormat *storage = findStorageFormat(recipe.storage);
  if (!storage)
    return makeError("weight '{}': weights are not stored as {}", recipe.sources.front(), dtypeName(recipe.storage));
  Expected<std::vector<WeightPiece>> pieces = piecesOf(recipe);
  if (!pieces)
    return passError(std::move(pieces));
  std::vector<WeightTensor> tensors;
  for (WeightPiece &piece : *pieces) {
    Expected<WeightTensor> tensor = bindPiece(checkpoint, std::move(piece), recipe, importance);
    if (!tensor)
      return passError(std::move(tensor));
    tensors.push_back(std::move(*tensor));
  }
  Expected<WeightRows> joined = WeightRows::create(tensors, *storage);
  if (!joined)
    return passError(std::move(joined));
  bool isStack = recipe.shape.size() == 3;
  uint64_t matrices = isStack ? recipe.shape[0] : 1, rows = matrices * recipe.shape[isStack ? 1 : 0];
  if (uint64_t(joined->rows()) != rows)
    return makeError("{}: tensor '{}' and those joined with it have {} rows, expected {}", checkpoint.path(),
                     recipe.sources.front(), joined->rows(), rows);
  if (recipe.layout == "tile64" || recipe.layout == "tile64_gated")
    return gpu::TilePacker::create(std::move(*joined), recipe.layout == "tile64_gated");
  Expected<cpu::WeightForm> form = cpu::parseWeightForm(recipe.layout);
  if (!form)
    return passError(std::move(form));
  return cpu::PanelPacker::create(std::move(*joined), *form, int64_t(matrices));
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
