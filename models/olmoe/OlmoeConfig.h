// Configuration of OLMoE, as transformers' OlmoeConfig reads it.
#pragma once

#include "models/config/DecoderConfig.h"

namespace quipu::models::olmoe {

// Reads and validates a configuration of the family.
Expected<DecoderConfig> parseConfig(const ModelConfig &config);

} // namespace quipu::models::olmoe
