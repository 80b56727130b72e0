// The forward pass of decoders (Vaswani et al., 2017, as Touvron et al., 2023, left it), from ids and positions to
// logits. How families differ is in DecoderConfig; one that differs otherwise overrides the part.
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
  mlir::Value experts(mlir::Value x);

  // x itself where the module is empty.
  mlir::Value norm(mlir::Value x, const std::string &module);
  mlir::Value linear(mlir::Value x, const LinearModule &module);

  const DecoderConfig &config;
  GraphBuilder &graph;

private:
  mlir::Value embedded();
  // What a norm and the residual's factor make of the output of attention or MLP.
  mlir::Value addend(mlir::Value x, const std::string &normAfter);
  mlir::Value sharedExperts(mlir::Value x);
  // activation(gate) * up, or activation(up), then the product with down.
  mlir::Value mlp(mlir::Value x, const LinearModule &gate, const LinearModule &up, const LinearModule &down);
  // The heads of q or of k after their norm and rotation.
  mlir::Value placed(mlir::Value x, const std::string &normModule, int64_t heads, const AttentionKind &kind);
};

// Parses a configuration and builds its graph.
Expected<mlir::Value> buildDecoder(const ModelConfig &config, GraphBuilder &graph);

// The #lm.rope of a configuration.
lm::RopeAttr ropeAttr(GraphBuilder &graph, const RopeConfig &rope, int64_t headDim, bool interleaved);

} // namespace quipu::models
