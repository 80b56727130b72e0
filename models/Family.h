// The registry of model families. A family is a folder under models/ and a row in Families.def.
#pragma once

#include "models/import/TensorCheck.h"
#include "models/import/gguf/GgufArchitecture.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace quipu::models {

class ConfigReader;
struct DecoderConfig;
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

// Tensors whose names begin with `stored` are read as if they began with `name`.
struct TensorPrefix {
  std::string_view stored, name;
};

struct Family {
  std::string_view name; // of its folder and its namespace
  std::vector<Architecture> architectures;
  std::vector<GgufArchitecture> ggufArchitectures;
  // Parses and validates the configuration.
  Expected<ModelDescription> (*describe)(const ModelConfig &config);
  // Of a family that is a DecoderConfig, whose `describe` is describeDecoder: reads its keys, errors are in the reader.
  void (*readDecoder)(DecoderConfig &decoder, ConfigReader &reader) = nullptr;
  // Models with other modalities around one of these: text_config is the configuration that counts.
  std::vector<Architecture> wrappers = {};
  std::vector<TensorPrefix> prefixes = {}; // of published checkpoints that lack the outermost module's name
};

std::vector<const Family *> families();

// An architecture that no family takes in, and why.
struct RefusedArchitecture {
  Architecture architecture;
  std::string_view reason; // "attention over a latent (MLA)"
};
const std::vector<RefusedArchitecture> &refusedArchitectures();

// The family that has a configuration of this class among its wrappers, or null.
const Family *findWrapper(const nlohmann::json &values);

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
