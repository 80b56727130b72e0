// Which pieces of checkpoint tensors a weight of the artifact is made of, and how it lies there.
#pragma once

#include "compiler/Codegen/WeightPacker.h"
#include "compiler/Quantization/ColumnImportance.h"
#include "models/import/Checkpoint.h"
#include "runtime/Artifact/Program_generated.h"
#include "runtime/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace quipu {

struct WeightRecipe {
  // Pieces (compiler/Quantization/WeightPiece.h), first rows first; of a stack, those of each matrix.
  std::vector<std::string> sources;
  fb::DType storage;           // of a storage format
  std::vector<uint64_t> shape; // of the joined weight: [rows, columns], [experts, rows, columns] or [size]
  std::string layout;          // as runtime/Artifact/WeightLayout.h names them
};

// One packer a recipe, over the tensors of a checkpoint and their importance, both of which must outlive them. Errors
// name the tensor that is missing, or whose shape or dtype is not what the recipe takes.
Expected<std::vector<std::unique_ptr<WeightPacker>>> bindWeights(const models::Checkpoint &checkpoint,
                                                                 const std::vector<WeightRecipe> &recipes,
                                                                 const quantization::ColumnImportance &importance = {});

} // namespace quipu
