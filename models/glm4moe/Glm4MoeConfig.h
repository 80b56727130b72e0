// Configuration of GLM-4.5, 4.6 and 4.7, as transformers' Glm4MoeConfig reads it.
#pragma once

#include "models/config/DecoderConfig.h"

namespace quipu::models::glm4moe {

// Reads and validates a configuration of the family.
Expected<DecoderConfig> parseConfig(const ModelConfig &config);

} // namespace quipu::models::glm4moe
