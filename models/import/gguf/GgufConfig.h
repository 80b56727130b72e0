// What the metadata of a GGUF file says of the model, in the words of config.json: the families read one kind of
// configuration, whatever format a checkpoint is stored in.
#pragma once

#include "models/config/ModelConfig.h"
#include "models/import/gguf/Gguf.h"

namespace quipu::models {

// The configuration for the architecture that general.architecture names; others are refused by name, as are keys that
// change what is computed in a way the family does not know. Keys that are not known give a warning.
Expected<ModelConfig> readGgufConfig(const GgufFile &file, std::vector<std::string> &warnings);

// The name of a tensor in Hugging Face checkpoints: "blk.0.attn_q.weight" is
// "model.layers.0.self_attn.q_proj.weight". Names that are not GGUF's come back as they are.
std::string huggingFaceName(std::string_view ggufName);

// Holds the factors that Llama 3.1 divides its rotary frequencies by; part of the configuration and not of the weights.
constexpr std::string_view ggufRopeFactors = "rope_freqs.weight";

} // namespace quipu::models
