// Configuration of Qwen2, Qwen2.5 and Qwen3, dense and of routed experts, as transformers' configuration classes read
// it.
#pragma once

#include "models/config/DecoderConfig.h"

namespace quipu::models::qwen {

// Reads and validates a configuration of one of the family's architectures.
Expected<DecoderConfig> parseConfig(const ModelConfig &config);

} // namespace quipu::models::qwen
