#include "models/config/ModelConfig.h"

#include "models/config/JsonFile.h"

#include <filesystem>

namespace quipu::models {

// A config.json is a few KiB; classifiers with long label lists reach a few hundred.
constexpr size_t maxConfigBytes = 8 << 20;

Expected<ModelConfig> ModelConfig::load(const std::string &configPath) {
  ModelConfig config;
  config.path = configPath;
  auto values = readJsonObject(configPath, maxConfigBytes);
  if (!values)
    return passError(std::move(values));
  config.values = std::move(*values);

  config.generationPath = (std::filesystem::path(configPath).parent_path() / "generation_config.json").string();
  config.generation = nlohmann::json::object();
  std::error_code ignored; // absent or unreachable: there is none
  if (std::filesystem::exists(config.generationPath, ignored)) {
    auto generation = readJsonObject(config.generationPath, maxConfigBytes);
    if (!generation)
      return passError(std::move(generation));
    config.generation = std::move(*generation);
  }
  return config;
}

} // namespace quipu::models
