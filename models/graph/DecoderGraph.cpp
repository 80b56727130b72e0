#include "models/graph/DecoderGraph.h"

using mlir::Value;

namespace quipu::models {

lm::RopeAttr ropeAttr(GraphBuilder &graph, const RopeConfig &rope, int64_t headDim, bool interleaved) {
  lm::RopeLayout layout = interleaved ? lm::RopeLayout::interleaved : lm::RopeLayout::split_half;
  return lm::RopeAttr::get(&graph.getContext(), headDim, layout, rope.attentionScaling, rope.inverseFrequencies);
}

Value DecoderGraph::logits() {
  Value x = graph.embedding("model.embed_tokens", config.vocabSize, config.hiddenSize);
  x = graph.scale(x, config.embeddingScale);
  for (int64_t i = 0; i < config.layers; ++i) {
    graph.enter(fmt::format("model.layers.{}.", i));
    x = layer(x, i);
  }
  graph.enter("");
  x = norm(x, "model.norm");
  x = graph.linear(x, config.tieWordEmbeddings ? "model.embed_tokens" : "lm_head", config.vocabSize);
  x = graph.scale(x, config.logitScale);
  return config.logitSoftcap ? graph.softcap(x, *config.logitSoftcap) : x;
}

Value DecoderGraph::norm(Value x, const std::string &module) {
  if (module.empty())
    return x;
  NormParameters parameters{config.rmsNormEps};
  parameters.gainOffset = config.gainOffset;
  return graph.norm(x, module, parameters);
}

Value DecoderGraph::layer(Value x, int64_t index) {
  auto added = [&](Value y, const std::string &normAfter) {
    return graph.scale(norm(y, normAfter), config.residualScale);
  };
  Value h = graph.add(x, added(attention(norm(x, config.norms.beforeAttention), index), config.norms.afterAttention));
  return graph.add(h, added(mlp(norm(h, config.norms.beforeMlp), index), config.norms.afterMlp));
}

Value DecoderGraph::placed(Value x, const std::string &normModule, int64_t heads, const AttentionKind &kind) {
  if (config.headNorm != HeadNorm::None) {
    NormParameters parameters{config.rmsNormEps};
    parameters.gainOffset = config.gainOffset;
    parameters.groups = config.headNorm == HeadNorm::EachHead ? heads : 1;
    x = graph.norm(x, normModule, parameters);
  }
  return kind.rope ? graph.rope(x, ropeAttr(graph, *kind.rope, config.headDim, config.ropeInterleaved)) : x;
}

Value DecoderGraph::attention(Value x, int64_t layer) {
  const AttentionKind &kind = config.attentionOf(layer);
  Value q = graph.linear(x, "self_attn.q_proj", config.heads * config.headDim, {config.queryBias});
  Value k = graph.linear(x, "self_attn.k_proj", config.kvHeads * config.headDim, {config.queryBias});
  Value v = graph.linear(x, "self_attn.v_proj", config.kvHeads * config.headDim, {config.queryBias});
  q = placed(q, "self_attn.q_norm", config.heads, kind);
  k = placed(k, "self_attn.k_norm", config.kvHeads, kind);
  if (config.queryScale)
    q = graph.positionScale(q, config.queryScale->beta, config.queryScale->length);
  AttentionParameters parameters{config.heads, config.kvHeads, config.scoreScale(), kind.window,
                                 config.attentionSoftcap};
  Value a = graph.attention(q, k, v, "self_attn", parameters);
  return graph.linear(a, "self_attn.o_proj", config.hiddenSize, {config.outputBias});
}

Value DecoderGraph::gatedMlp(Value x, const std::string &module, int64_t size) {
  Value gate = graph.linear(x, module + ".gate_proj", size, {config.mlpBias});
  Value up = graph.linear(x, module + ".up_proj", size, {config.mlpBias});
  Value h = graph.mul(graph.activation(gate, config.activation), up);
  return graph.linear(h, module + ".down_proj", config.hiddenSize, {config.mlpBias});
}

Value DecoderGraph::mlp(Value x, int64_t layer) {
  if (config.experts && config.experts->isIn(layer))
    return experts(x);
  if (config.mlpGated)
    return gatedMlp(x, "mlp", config.intermediateSize);
  Value h =
      graph.activation(graph.linear(x, "mlp.up_proj", config.intermediateSize, {config.mlpBias}), config.activation);
  return graph.linear(h, "mlp.down_proj", config.hiddenSize, {config.mlpBias});
}

} // namespace quipu::models
