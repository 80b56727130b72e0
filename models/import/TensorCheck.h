// The tensors a model needs, and the check of a checkpoint against them.
#pragma once

#include "models/import/Checkpoint.h"

namespace quipu::models {

enum class TensorRole { Embedding, Matrix, Norm, Bias };

struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape; // outermost first; matrices are [out, in], as Hugging Face stores them
  TensorRole role;
};

int64_t elementsOf(const TensorSpec &spec);

// Checks that every tensor of `expected` is there with its shape and a dtype that is a storage format, vectors
// unblocked; the error names the first at fault and counts the others. A tensor that is not expected gives a warning,
// unless its name ends in one of `ignored`.
Expected<> checkTensors(const Checkpoint &checkpoint, const std::vector<TensorSpec> &expected,
                        const std::vector<std::string> &ignored, std::vector<std::string> &warnings);

} // namespace quipu::models
