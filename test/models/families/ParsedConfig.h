// Configurations written down in a test, as decoders.
#pragma once

#include "models/config/DecoderConfig.h"
#include "models/config/ModelConfig.h"

#include <gtest/gtest.h>

namespace quipu::test {

using nlohmann::json;

// A small model of an architecture, with more keys or other values.
inline json smallModel(const char *className, const char *modelType, const json &keys = json::object()) {
  json values = {{"architectures", {className}},
                 {"model_type", modelType},
                 {"vocab_size", 100},
                 {"hidden_size", 64},
                 {"intermediate_size", 96},
                 {"num_hidden_layers", 4},
                 {"num_attention_heads", 4},
                 {"num_key_value_heads", 2}};
  values.update(keys);
  return values;
}

inline Expected<models::DecoderConfig> parse(const json &values, int64_t context = 0) {
  return models::parseDecoder({values, json::object(), "config.json", "generation_config.json", context});
}

// Without a warning.
inline models::DecoderConfig parsed(const json &values, int64_t context = 0) {
  auto decoder = parse(values, context);
  EXPECT_TRUE(decoder) << decoder.error().message;
  if (!decoder)
    return {};
  EXPECT_EQ(decoder->warnings, std::vector<std::string>());
  return *decoder;
}

// The error; or "accepted".
inline std::string messageOf(const json &values) {
  auto decoder = parse(values);
  return decoder ? "accepted" : decoder.error().message;
}

// Of each layer, its window, or 0.
inline std::vector<int64_t> windowsOf(const models::DecoderConfig &decoder) {
  std::vector<int64_t> windows;
  for (int64_t layer = 0; layer < decoder.layers; ++layer)
    windows.push_back(decoder.attentionOf(layer).window.value_or(0));
  return windows;
}

// Of each layer, whether q and k are rotated.
inline std::vector<int> rotatedOf(const models::DecoderConfig &decoder) {
  std::vector<int> rotated;
  for (int64_t layer = 0; layer < decoder.layers; ++layer)
    rotated.push_back(decoder.attentionOf(layer).rope.has_value());
  return rotated;
}

} // namespace quipu::test
