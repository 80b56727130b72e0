// The registry of model families. A family is a folder under models/ and a row in Families.def.
#pragma once

#include "models/import/TensorCheck.h"
#include "models/import/gguf/GgufArchitecture.h"

#include <optional>
#include <string_view>

namespace quipu::models {

struct ModelConfig;

// What programs need to know of a model without knowing its family.
struct ModelDescription {
  std::string family;       // "llama"
  std::string architecture; // "MistralForCausalLM"
  int64_t vocabSize;
  int64_t maxPosition; // the longest context the model was made for, in tokens
  std::optional<int64_t> bosId;
  std::vector<int64_t> eosIds;     // generation ends at any of them
  std::vector<TensorSpec> tensors; // all the model needs
  // Endings of names, and beginnings that end in a dot, that a checkpoint may have besides, without a warning.
  std::vector<std::string> ignoredTensors;
  std::vector<std::string> warnings;
};

struct Architecture {
  std::string_view className; // as in config.json's architectures: "LlamaForCausalLM"
  std::string_view modelType; // as in its model_type: "llama"
};

struct Family {
  std::string_view name; // of its folder and its namespace
  std::vector<Architecture> architectures;
  std::vector<GgufArchitecture> ggufArchitectures;
  // Parses and validates the configuration.
  Expected<ModelDescription> (*describe)(const ModelConfig &config);
};

std::vector<const Family *> families();

// The family of a configuration and its architecture there: by `architectures`, or by `model_type` where that is
// absent.
struct FamilyMatch {
  const Family *family;
  Architecture architecture;
};
Expected<FamilyMatch> findFamily(const ModelConfig &config);

// findFamily, then its describe.
Expected<ModelDescription> describeModel(const ModelConfig &config);

// describeModel and the check of all tensors; warnings of every step are in the result.
Expected<ModelDescription> checkModel(const Checkpoint &checkpoint);

} // namespace quipu::models
