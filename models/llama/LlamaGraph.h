// The forward pass of the Llama family (Touvron et al., 2023), from ids and positions to logits.
#pragma once

#include "models/graph/GraphBuilder.h"
#include "models/llama/LlamaConfig.h"

namespace quipu::models::llama {

class LlamaGraph {
public:
  LlamaGraph(const LlamaConfig &config, GraphBuilder &graph);

  // [tokens, vocab]
  mlir::Value logits();

private:
  mlir::Value decoderLayer(mlir::Value x);
  mlir::Value attention(mlir::Value x);
  mlir::Value mlp(mlir::Value x);

  const LlamaConfig &config;
  GraphBuilder &graph;
  lm::RopeAttr rope;
};

} // namespace quipu::models::llama
