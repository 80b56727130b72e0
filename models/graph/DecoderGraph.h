// The forward pass of decoders of the Llama lineage (Touvron et al., 2023), from ids and positions to logits. How
// families differ is in DecoderConfig; one that differs otherwise overrides the part.
#pragma once

#include "models/graph/GraphBuilder.h"

namespace quipu::models {

class DecoderGraph {
public:
  DecoderGraph(const DecoderConfig &config, GraphBuilder &graph) : config(config), graph(graph) {}
  virtual ~DecoderGraph() = default;

  // [tokens, vocab]
  mlir::Value logits();

protected:
  // x + what attention and MLP add to it; modules are those of the layer.
  virtual mlir::Value layer(mlir::Value x, int64_t index);
  virtual mlir::Value attention(mlir::Value x, int64_t layer);
  virtual mlir::Value mlp(mlir::Value x, int64_t layer);
  // The MLP of a layer that has routed experts, with those that every token goes to.
  mlir::Value experts(mlir::Value x);

  // x itself where the module is empty.
  mlir::Value norm(mlir::Value x, const std::string &module);

  const DecoderConfig &config;
  GraphBuilder &graph;

private:
  mlir::Value sharedExperts(mlir::Value x);
  // down(activation(gate(x)) * up(x)) of the modules MODULE.gate_proj and so on.
  mlir::Value gatedMlp(mlir::Value x, const std::string &module, int64_t size);
  // The heads of q or of k after their norm and rotation.
  mlir::Value placed(mlir::Value x, const std::string &normModule, int64_t heads, const AttentionKind &kind);
};

// Parses a configuration and builds its graph: what a family's buildGraph does unless it has a graph of its own.
template <auto parse> Expected<mlir::Value> buildDecoder(const ModelConfig &config, GraphBuilder &graph) {
  auto decoder = parse(config);
  if (!decoder)
    return passError(std::move(decoder));
  return DecoderGraph(*decoder, graph).logits();
}

// The #lm.rope of a configuration.
lm::RopeAttr ropeAttr(GraphBuilder &graph, const RopeConfig &rope, int64_t headDim, bool interleaved);

} // namespace quipu::models
