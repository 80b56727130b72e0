// Configuration of the Llama family (Llama 2 to 3.2, TinyLlama, SmolLM2, Mistral), as transformers' LlamaConfig and
// MistralConfig read it.
#pragma once

#include "models/config/DecoderConfig.h"

namespace quipu::models::llama {

struct LlamaConfig : DecoderConfig {
  bool attentionBias; // on q, k, v and o
  bool mlpBias;       // on gate, up and down
  // Which dimensions RoPE turns together: 2i and 2i + 1, as the rows of q and k lie in GGUF files; otherwise i and
  // i + headDim / 2, as in Hugging Face checkpoints.
  bool ropeInterleaved;
  std::optional<int64_t> slidingWindow; // Mistral: a query sees itself and the slidingWindow - 1 positions before it

  // Reads and validates a configuration of one of the family's architectures.
  static Expected<LlamaConfig> parse(const ModelConfig &config);

  // Names and shapes of all weights, in the order of the forward pass.
  std::vector<TensorSpec> tensors() const;
};

const Family &family();

} // namespace quipu::models::llama
