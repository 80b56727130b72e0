// Writes checkpoints of random weights in Hugging Face layout: the shapes and the size of a real model for benchmarks
// and tests, from its config.json alone.
#pragma once

#include "models/import/DType.h"
#include "runtime/Support/Error.h"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace quipu::random_checkpoint {

struct Options {
  std::string config;                             // path of a config.json of any supported family
  std::string output;                             // directory to make; may exist if it is empty
  std::string tokenizer;                          // directory to copy tokenizer files from; empty: none
  std::optional<models::DType> dtype;             // F32, F16 or BF16; none: the config's, or else BF16
  uint64_t seed = 0;                              // same seed, config and dtype: same bytes, on any number of threads
  std::function<void(double)> progress;           // called now and then with the share done, 0 to 1; one call at a time
  const std::atomic<bool> *interrupted = nullptr; // writing stops with an error once it is set
};

struct Result {
  uint64_t parameters = 0;
  uint64_t bytes = 0; // of model.safetensors
  std::vector<std::string> warnings;
};

// Weights are normal: matrices and embeddings with a standard deviation of 1 / sqrt(columns), which keeps activations
// near 1; norms 1 +- 0.02; biases 0 +- 0.02. The directory is written under a temporary name beside `output` and
// renamed when it is complete; an error leaves nothing behind. Memory does not grow with the model.
Expected<Result> writeRandomCheckpoint(const Options &options);

} // namespace quipu::random_checkpoint
