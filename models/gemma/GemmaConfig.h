// Configuration of Gemma 2 and Gemma 3 (text), as transformers' Gemma2Config and Gemma3TextConfig read it.
#pragma once

#include "models/config/DecoderConfig.h"

namespace quipu::models::gemma {

// Reads and validates a configuration of one of the family's architectures.
Expected<DecoderConfig> parseConfig(const ModelConfig &config);

} // namespace quipu::models::gemma
