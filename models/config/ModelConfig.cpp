#include "models/config/ModelConfig.h"

#include "models/Family.h"
#include "models/config/JsonFile.h"

#include <filesystem>

namespace quipu::models {

// A config.json is a few KiB; classifiers with long label lists reach a few hundred.
constexpr size_t maxConfigBytes = 8 << 20;

// Keys beside text_config that are about the text model and go before its own.
constexpr const char *outerKeys[] = {"bos_token_id", "eos_token_id", "quantization_config", "tie_word_embeddings"};

static Expected<> takeText(ModelConfig &config) {
  auto found = config.values.find("text_config");
  if (found == config.values.end() || !found->is_object())
    return makeError("{}: text_config is missing or no object; expected the configuration of the text model",
                     config.path);
  nlohmann::json text = *found;
  for (const char *key : outerKeys)
    if (auto outer = config.values.find(key); outer != config.values.end() && !outer->is_null())
      text[key] = *outer;
  config.values = std::move(text);
  config.isText = true;
  return {};
}

Expected<ModelConfig> ModelConfig::load(const std::string &configPath) {
  ModelConfig config;
  config.path = configPath;
  auto values = readJsonObject(configPath, maxConfigBytes);
  if (!values)
    return passError(std::move(values));
  config.values = std::move(*values);
  if (findWrapper(config.values))
    if (auto taken = takeText(config); !taken)
      return passError(std::move(taken));

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
