#include "models/llama/LlamaGraph.h"

#include <cmath>

using mlir::Value;

namespace quipu::models::llama {

LlamaGraph::LlamaGraph(const LlamaConfig &config, GraphBuilder &graph)
    : config(config), graph(graph),
      rope(lm::RopeAttr::get(&graph.getContext(), config.headDim,
                             config.ropeInterleaved ? lm::RopeLayout::interleaved : lm::RopeLayout::split_half,
                             config.rope.attentionScaling, config.rope.inverseFrequencies)) {}

Value LlamaGraph::logits() {
  Value x = graph.embedding("model.embed_tokens", config.vocabSize, config.hiddenSize);
  for (int64_t i = 0; i < config.layers; ++i) {
    graph.enter(fmt::format("model.layers.{}.", i));
    x = decoderLayer(x);
  }
  graph.enter("");
  x = graph.norm(x, "model.norm", {config.rmsNormEps});
  return graph.linear(x, config.tieWordEmbeddings ? "model.embed_tokens" : "lm_head", config.vocabSize);
}

Value LlamaGraph::decoderLayer(Value x) {
  Value h = graph.add(x, attention(graph.norm(x, "input_layernorm", {config.rmsNormEps})));
  return graph.add(h, mlp(graph.norm(h, "post_attention_layernorm", {config.rmsNormEps})));
}

Value LlamaGraph::attention(Value x) {
  Value q = graph.linear(x, "self_attn.q_proj", config.heads * config.headDim, {config.attentionBias});
  Value k = graph.linear(x, "self_attn.k_proj", config.kvHeads * config.headDim, {config.attentionBias});
  Value v = graph.linear(x, "self_attn.v_proj", config.kvHeads * config.headDim, {config.attentionBias});
  q = graph.rope(q, rope);
  k = graph.rope(k, rope);
  double scale = 1 / std::sqrt(static_cast<double>(config.headDim));
  Value a = graph.attention(q, k, v, "self_attn", {config.heads, config.kvHeads, scale, config.slidingWindow});
  return graph.linear(a, "self_attn.o_proj", config.hiddenSize, {config.attentionBias});
}

Value LlamaGraph::mlp(Value x) {
  Value gate = graph.linear(x, "mlp.gate_proj", config.intermediateSize, {config.mlpBias});
  Value up = graph.linear(x, "mlp.up_proj", config.intermediateSize, {config.mlpBias});
  Value h = graph.mul(graph.activation(gate, config.activation), up);
  return graph.linear(h, "mlp.down_proj", config.hiddenSize, {config.mlpBias});
}

Expected<Value> buildGraph(const ModelConfig &config, GraphBuilder &graph) {
  auto llama = LlamaConfig::parse(config);
  if (!llama)
    return passError(std::move(llama));
  return LlamaGraph(*llama, graph).logits();
}

} // namespace quipu::models::llama
