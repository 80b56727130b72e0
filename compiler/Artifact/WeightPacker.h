// Fills the weights section: tensors of a checkpoint joined along rows, converted to the storage type and laid out the
// way the kernels read them (runtime/Artifact/WeightLayout.h).
#pragma once

#include "models/import/Checkpoint.h"
#include "runtime/Artifact/Program_generated.h"
#include "runtime/Support/Error.h"

#include <string>
#include <vector>

namespace quipu {

struct WeightRecipe {
  std::vector<std::string> sources; // checkpoint tensors, first rows first
  fb::DType storage;                // f32 or bf16
  std::vector<uint64_t> shape;      // of the joined weight: [rows, columns], or [size] for a vector
  std::string layout;               // "row_major", "panel64", "panel64_gated"
};

class WeightPacker {
public:
  // Errors name the tensor that is missing, or whose shape or dtype is not what the recipe takes. The checkpoint must
  // outlive the packer.
  static Expected<WeightPacker> create(const models::Checkpoint &checkpoint, const std::vector<WeightRecipe> &recipes);

  // Bytes [begin, begin + bytes) of a weight in its layout, whole rows or panels; `out` is zero before. May be called
  // from several threads.
  Expected<> pack(uint32_t weight, uint64_t begin, std::byte *out, uint64_t bytes) const;

private:
  struct Weight {
    WeightRecipe recipe;
    std::vector<const models::TensorInfo *> sources;
    int64_t rows;    // of the joined weight; 1 for a vector
    int64_t columns; // elements of a row
  };

  static Expected<Weight> resolve(const models::Checkpoint &checkpoint, const WeightRecipe &recipe);

  std::vector<Weight> weights;
};

} // namespace quipu
