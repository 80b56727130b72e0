// A GGUF file as a checkpoint: its tensors under the names Hugging Face gives them, its metadata as a configuration.
#pragma once

#include "models/import/Checkpoint.h"

namespace quipu::models {

// Maps and checks the file, and the other parts of a model that lies in several. Tensors of any type that has a name
// come in; whether the model can use them checkTensors says.
Expected<std::unique_ptr<Checkpoint>> openGgufCheckpoint(const std::string &path);

} // namespace quipu::models
