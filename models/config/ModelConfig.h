// The configuration files of a model, parsed but not interpreted: what a family reads its own configuration from.
#pragma once

#include "runtime/Support/Error.h"

#include <nlohmann/json.hpp>
#include <string>

namespace quipu::models {

struct ModelConfig {
  nlohmann::json values;      // config.json, an object
  nlohmann::json generation;  // generation_config.json, or an empty object where there is none
  std::string path;           // of config.json as given, for messages
  std::string generationPath; // of generation_config.json, for messages
  // The longest context that the model is to be compiled for; 0: what it was made for. Some models depend on it.
  int64_t context = 0;
  bool isText = false; // `values` is the text_config of a model with other modalities around it

  // Reads a config.json under any name, and generation_config.json where one lies beside it. Of a model that wraps a
  // text model of a known family the text model's part is taken.
  static Expected<ModelConfig> load(const std::string &configPath);
};

} // namespace quipu::models
