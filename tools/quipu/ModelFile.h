// The FILE.qpu|FILE.gguf|MODEL_DIR argument of the commands that run a model, and the options they share.
#pragma once

#include "runtime/Engine/Engine.h"
#include "tools/quipu/Command.h"

#include <memory>

namespace quipu::tool {

// As the flags of `compile` say it; all empty: as the checkpoint has its weights.
struct CheckpointStorage : StorageChoice {
  std::string calibrate;
};

struct ModelOptions {
  std::string path;
  std::string device = "cpu";
  uint32_t threads = 0;
  uint32_t maxContext = 0;
  uint32_t maxSequences = 0;
  bool mapWeights = false;
  bool randomWeights = false;
  bool checkLaunches = false;
  bool markLaunches = true;
  CheckpointStorage storage;
};

// Adds the positional argument and --device, --threads, --max-context, --max-sequences.
void addModelOptions(CLI::App &command, ModelOptions &options);

// The artifact itself, or for a checkpoint the artifact compiled from it for the device, which is kept in the cache
// folder. Where weights are not needed they are not packed.
enum class Weights { Needed, NotNeeded };
Expected<std::string> artifactOf(const std::string &path, const std::string &device, Weights weights = Weights::Needed,
                                 const CheckpointStorage &storage = {});

// Whether a path is a checkpoint, by its content: a folder, or a file that begins as GGUF files do.
bool isCheckpoint(const std::string &path);

// Loads the model with a progress bar.
Expected<std::unique_ptr<Engine>> loadModel(const ModelOptions &options);

// The whole of a text file, or of standard input where the path is "-".
Expected<std::string> readText(const std::string &path);

} // namespace quipu::tool
