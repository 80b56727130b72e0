// Configuration of the Llama family (Llama 2 to 3.2, TinyLlama, SmolLM2, Mistral), as transformers' LlamaConfig and
// MistralConfig read it.
#pragma once

#include "models/Family.h"
#include "models/config/RopeConfig.h"

namespace quipu::models::llama {

enum class Activation { Silu, GeluErf, GeluTanh, Relu };

struct LlamaConfig {
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
  Activation activation;                // of the gate
  bool tieWordEmbeddings;               // logits are computed with the embedding table
  bool attentionBias;                   // on q, k, v and o
  bool mlpBias;                         // on gate, up and down
  RopeConfig rope;                      // split-half layout: dimension i turns with dimension i + headDim / 2
  std::optional<int64_t> slidingWindow; // Mistral: a query sees itself and the slidingWindow - 1 positions before it
  std::optional<int64_t> bosId;
  std::vector<int64_t> eosIds;
  std::vector<std::string> warnings;

  // Reads and validates a configuration of one of the family's architectures.
  static Expected<LlamaConfig> parse(const ModelConfig &config);

  // Names and shapes of all weights, in the order of the forward pass.
  std::vector<TensorSpec> tensors() const;
};

const Family &family();

} // namespace quipu::models::llama
