// The layout of a Hugging Face model directory.
#pragma once

#include "models/import/Checkpoint.h"

namespace quipu::models {

// Opens config.json with model.safetensors or, where that is absent, the shards that model.safetensors.index.json
// lists. The index decides: a tensor it lists must be in the shard it names, and one it does not list is left out with
// a warning.
Expected<std::unique_ptr<Checkpoint>> openHuggingFaceDirectory(const std::string &path);

} // namespace quipu::models
