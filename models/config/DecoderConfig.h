// The part of config.json that most decoders have in common, under the same keys: shape, norms, activation, special
// tokens. A family's configuration adds its own to it.
#pragma once

#include "models/Family.h"
#include "models/config/ConfigReader.h"
#include "models/config/RopeConfig.h"

namespace quipu::models {

enum class Activation { Silu, GeluErf, GeluTanh, Relu, Relu2, Sigmoid };

// What is not in config.json has the value of transformers' configuration class of the architecture.
struct DecoderDefaults {
  std::optional<int64_t> kvHeads; // of a key that is absent; null, or no value here, is as many as heads
  int64_t maxPosition;
};

constexpr Range<int64_t> positionRange{1, 1 << 30};

struct DecoderConfig {
  std::string architecture; // "LlamaForCausalLM"
  int64_t vocabSize;
  int64_t hiddenSize;
  int64_t intermediateSize;
  int64_t layers;
  int64_t heads;
  int64_t kvHeads;     // divides heads
  int64_t headDim;     // even; heads * headDim need not be hiddenSize
  int64_t maxPosition; // tokens
  double rmsNormEps;
  Activation activation;  // of the gate
  bool tieWordEmbeddings; // logits are computed with the embedding table
  RopeConfig rope;
  std::optional<int64_t> bosId;
  std::vector<int64_t> eosIds;
  std::vector<std::string> warnings;

  // Reads all of it; errors are in `reader` and `generation` (generation_config.json).
  void read(ConfigReader &reader, ConfigReader &generation, const DecoderDefaults &defaults);
  // Ends the reading: the first error, or the warnings about keys nobody read.
  Expected<> finish(ConfigReader &reader, ConfigReader &generation);

  // What programs need to know, given the family's tensors.
  ModelDescription describe(std::string_view family, std::vector<TensorSpec> tensors) const;
};

// Adds `NAME.weight` [out, in] and, with a bias, `NAME.bias` [out].
void addLinear(std::vector<TensorSpec> &specs, const std::string &name, int64_t out, int64_t in, bool bias);

} // namespace quipu::models
