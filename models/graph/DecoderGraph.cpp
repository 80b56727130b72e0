#include "models/graph/DecoderGraph.h"

using mlir::Value;

namespace quipu::models {

lm::RopeAttr ropeAttr(GraphBuilder &graph, const RopeConfig &rope, int64_t headDim, bool interleaved) {
  lm::RopeLayout layout = interleaved ? lm::RopeLayout::interleaved : lm::RopeLayout::split_half;
  return lm::RopeAttr::get(&graph.getContext(), headDim, layout, rope.attentionScaling, rope.inverseFrequencies);
}

Value DecoderGraph::logits() {
  Value x = embedded();
  for (int64_t i = 0; i < config.layers; ++i) {
    graph.enter(config.modules.layerPrefix(i));
    x = layer(x, i);
  }
  graph.enter("");
  x = linear(norm(x, config.modules.finalNorm), config.head());
  x = graph.scale(x, config.logitScale);
  return config.logitSoftcap ? graph.softcap(x, *config.logitSoftcap) : x;
}

Value DecoderGraph::embedded() {
  const DecoderModules &modules = config.modules;
  Value x = graph.scale(graph.embedding(modules.embedding, config.vocabSize, config.hiddenSize), config.embeddingScale);
  if (modules.positions.empty())
    return x;
  return graph.add(x, graph.positionEmbedding(modules.positions, config.maxPosition, config.hiddenSize));
}

Value DecoderGraph::norm(Value x, const std::string &module) {
  if (module.empty())
    return x;
  return graph.norm(x, module, {config.normEps, config.layerNorms, config.normBias, config.gainOffset});
}

Value DecoderGraph::linear(Value x, const LinearModule &module) {
  LinearParameters parameters{module.bias, module.transposed};
  if (const auto &rows = module.rows)
    parameters.rows = JoinedRows{{rows->first, rows->size, rows->stride, rows->count}, rows->of};
  return graph.linear(x, module.name, module.out, parameters);
}

Value DecoderGraph::addend(Value x, const std::string &normAfter) {
  return graph.scale(norm(x, normAfter), config.residualScale);
}

Value DecoderGraph::layer(Value x, int64_t index) {
  const DecoderModules &modules = config.modules;
  Value normed = norm(x, modules.beforeAttention);
  Value h = graph.add(x, addend(attention(normed, index), modules.afterAttention));
  if (!config.parallel)
    return graph.add(h, addend(mlp(norm(h, modules.beforeMlp), index), modules.afterMlp));
  Value mlpInput = modules.beforeMlp.empty() ? normed : norm(x, modules.beforeMlp);
  return graph.add(h, addend(mlp(mlpInput, index), modules.afterMlp));
}

Value DecoderGraph::placed(Value x, const std::string &normModule, int64_t heads, const AttentionKind &kind) {
  if (config.headNorm != HeadNorm::None) {
    NormParameters parameters{config.normEps, config.layerNorms, config.normBias, config.gainOffset};
    parameters.groups = config.headNorm == HeadNorm::WholeProjection ? 1 : heads;
    parameters.sharedGain = config.headNorm != HeadNorm::EachHeadApart;
    parameters.bias = config.normBias && parameters.sharedGain;
    x = graph.norm(x, normModule, parameters);
  }
  return kind.rope ? graph.rope(x, ropeAttr(graph, *kind.rope, config.headDim, config.ropeInterleaved)) : x;
}

Value DecoderGraph::attention(Value x, int64_t layer) {
  const AttentionKind &kind = config.attentionOf(layer);
  Value q = linear(x, config.query());
  Value k = linear(x, config.key());
  Value v = linear(x, config.value());
  q = placed(q, config.modules.queryNorm, config.heads, kind);
  k = placed(k, config.modules.keyNorm, config.kvHeads, kind);
  if (config.queryScale)
    q = graph.positionScale(q, config.queryScale->beta, config.queryScale->length);
  // Its location is that of the module around the projections.
  std::string module = config.modules.output.substr(0, config.modules.output.rfind('.'));
  AttentionParameters parameters{config.heads, config.kvHeads, config.scoreScale(kind), kind.window,
                                 config.attentionSoftcap};
  return linear(graph.attention(q, k, v, module, parameters), config.output());
}

Value DecoderGraph::mlp(Value x, const LinearModule &gate, const LinearModule &up, const LinearModule &down) {
  if (gate.name.empty())
    return linear(graph.activation(linear(x, up), config.activation), down);
  Value gateOutput = linear(x, gate), upOutput = linear(x, up);
  return linear(graph.mul(graph.activation(gateOutput, config.activation), upOutput), down);
}

Value DecoderGraph::mlp(Value x, int64_t layer) {
  return config.hasExperts(layer) ? experts(x) : mlp(x, config.gate(), config.up(), config.down());
}

Expected<Value> buildDecoder(const ModelConfig &config, GraphBuilder &graph) {
  auto decoder = parseDecoder(config);
  if (!decoder)
    return passError(std::move(decoder));
  return DecoderGraph(*decoder, graph).logits();
}

} // namespace quipu::models
