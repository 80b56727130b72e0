// Configuration of Granite models of routed experts, as transformers' GraniteMoeConfig reads it.
#pragma once

#include "models/config/DecoderConfig.h"

namespace quipu::models::granitemoe {

// Reads and validates a configuration of the family.
Expected<DecoderConfig> parseConfig(const ModelConfig &config);

} // namespace quipu::models::granitemoe
