// The tensors a model needs, and the check of a checkpoint against them.
#pragma once

#include "models/import/Checkpoint.h"

#include <optional>

namespace quipu::models {

enum class TensorRole { Embedding, Matrix, Norm, Bias };

// Of an expert's matrix: which of how many, and the name with `*` in the place of the number. A checkpoint may hold the
// matrices of all experts in one tensor of rank 3 instead, whose name has no number: "experts.gate_proj.weight".
struct ExpertPlace {
  int64_t index, count;
  std::string pattern;
};

struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape; // outermost first; matrices are [out, in], as Hugging Face stores them
  TensorRole role;
  std::optional<ExpertPlace> expert = {};
};

// The tensor, or that of all experts where the checkpoint has such a one; null: there is neither.
const TensorInfo *findTensor(const Checkpoint &checkpoint, const TensorSpec &spec);

int64_t elementsOf(const TensorSpec &spec);

// Checks that every tensor of `expected` is there with its shape and a dtype that is a storage format, vectors
// unblocked; the error names the first at fault and counts the others. A tensor that is not expected gives a warning,
// unless its name ends in one of `ignored`, or begins with one that ends in a dot.
Expected<> checkTensors(const Checkpoint &checkpoint, const std::vector<TensorSpec> &expected,
                        const std::vector<std::string> &ignored, std::vector<std::string> &warnings);

} // namespace quipu::models
