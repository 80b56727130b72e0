// Configuration of the Llama family (Llama 2 to 3.2, TinyLlama, SmolLM2, Mistral), as transformers' LlamaConfig and
// MistralConfig read it.
#pragma once

#include "models/config/DecoderConfig.h"

namespace quipu::models::llama {

// Reads and validates a configuration of one of the family's architectures.
Expected<DecoderConfig> parseConfig(const ModelConfig &config);

} // namespace quipu::models::llama
