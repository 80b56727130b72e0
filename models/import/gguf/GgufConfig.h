// What the metadata of a GGUF file says of the model, in the words of config.json: the families read one kind of
// configuration, whatever format a checkpoint is stored in.
#pragma once

#include "models/config/ModelConfig.h"
#include "models/import/gguf/GgufArchitecture.h"

namespace quipu::models {

// The row of the registry for the architecture that general.architecture names; others are refused by name.
Expected<const GgufArchitecture *> findGgufArchitecture(const GgufFile &file);

// The configuration. Keys that change what is computed in a way the family does not know are refused; keys that are not
// known give a warning.
Expected<ModelConfig> readGgufConfig(const GgufFile &file, const GgufArchitecture &architecture,
                                     std::vector<std::string> &warnings);

// Holds the factors that Llama 3.1 divides its rotary frequencies by; part of the configuration and not of the weights.
constexpr std::string_view ggufRopeFactors = "rope_freqs.weight";
// The same of LongRoPE, for contexts up to the original length and for longer ones.
constexpr std::string_view ggufShortFactors = "rope_factors_short.weight";
constexpr std::string_view ggufLongFactors = "rope_factors_long.weight";

} // namespace quipu::models
