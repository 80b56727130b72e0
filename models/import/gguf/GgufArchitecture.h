// How the GGUF files of one architecture say what config.json says: names of tensors, keys, and what neither names. A
// row stands in the folder of its family, which reads the configuration that comes of it.
#pragma once

#include "models/config/DecoderModules.h"
#include "models/import/gguf/GgufMetadata.h"

#include <nlohmann/json.hpp>

namespace quipu::models {

// A key without the architecture in front, "attention.sliding_window", and that of config.json with the same meaning.
struct GgufKey {
  std::string_view gguf;
  const char *config;
  bool required = false;
};

// What `complete` works with.
struct GgufReading {
  const GgufFile &file;
  GgufMetadata &metadata;
  std::string_view architecture;
  nlohmann::json &values; // the configuration

  // "llama.attention.key_length" of "attention.key_length".
  std::string named(std::string_view key) const { return std::string(architecture) + "." + std::string(key); }
  // Whether any layer has a bias for one of these projections.
  bool hasBias(std::initializer_list<std::string_view> projections) const;
  const GgufTensor *findTensor(std::string_view name) const;
};

struct GgufArchitecture {
  std::string_view name;          // general.architecture
  const char *className;          // as in config.json's architectures, unless `complete` sets another
  const char *modelType;          // as in its model_type
  DecoderModules modules = {};    // those of the family: GGUF has one name for each place
  std::vector<GgufKey> keys = {}; // beside those of every architecture
  // Adds to the configuration what the tensors say, or the architecture alone. Null: nothing.
  void (*complete)(GgufReading &reading) = nullptr;
  const char *otherClass = "";               // that `complete` may set
  std::optional<ExpertModules> experts = {}; // those of the family
  bool splitsHeadNorms = false;              // the norms of q and k are matrices of gains, a row a head: NAME.0, NAME.1

  // The name of a tensor in Hugging Face checkpoints: "blk.0.attn_q.weight" is
  // "model.layers.0.self_attn.q_proj.weight". Names that are not GGUF's come back as they are.
  std::string huggingFaceName(std::string_view ggufName) const;
};

} // namespace quipu::models
