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

  // Reads a config.json under any name, and generation_config.json where one lies beside it.
  static Expected<ModelConfig> load(const std::string &configPath);
};

} // namespace quipu::models
