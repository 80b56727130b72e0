#include "models/config/DecoderConfig.h"

#include "models/config/JsonFile.h"

#include <cmath>

namespace quipu::models {

namespace {

// Wide enough for any model to come, narrow enough that no product of two of them overflows.
constexpr Range<int64_t> vocabRange{1, 1 << 24};
constexpr Range<int64_t> widthRange{1, 1 << 20};
constexpr Range<int64_t> intermediateRange{1, 1 << 24};
constexpr Range<int64_t> layersRange{1, 1 << 12};
constexpr Range<int64_t> headDimRange{2, 1 << 12};

void readShape(DecoderConfig &decoder, ConfigReader &reader, const DecoderDefaults &defaults) {
  decoder.vocabSize = reader.integer("vocab_size", vocabRange);
  decoder.hiddenSize = reader.integer("hidden_size", widthRange);
  decoder.intermediateSize = reader.integer("intermediate_size", intermediateRange);
  decoder.layers = reader.integer("num_hidden_layers", layersRange);
  decoder.heads = reader.integer("num_attention_heads", widthRange);
  bool isNull = reader.isNull("num_key_value_heads");
  int64_t kvDefault = isNull ? decoder.heads : defaults.kvHeads.value_or(decoder.heads);
  decoder.kvHeads = reader.integerOr("num_key_value_heads", kvDefault, widthRange);
  if (decoder.heads % decoder.kvHeads != 0)
    reader.fail("num_key_value_heads", fmt::format("is {}; expected a divisor of num_attention_heads, which is {}",
                                                   decoder.kvHeads, decoder.heads));

  std::optional<int64_t> headDim = reader.optionalInteger("head_dim", headDimRange);
  if (!headDim && !reader.has("head_dim"))
    headDim = defaults.headDim;
  if (!headDim && decoder.hiddenSize % decoder.heads != 0)
    reader.fail("hidden_size",
                fmt::format("is {}; expected a multiple of num_attention_heads, which is {}, or head_dim",
                            decoder.hiddenSize, decoder.heads));
  decoder.headDim = headDim.value_or(decoder.hiddenSize / decoder.heads);
  if (decoder.headDim % 2 != 0 || decoder.headDim < headDimRange.min || decoder.headDim > headDimRange.max)
    reader.fail("head_dim",
                fmt::format("is {}{}; expected an even number, {} to {}", decoder.headDim,
                            headDim ? "" : " (hidden_size / num_attention_heads)", headDimRange.min, headDimRange.max));
  decoder.maxPosition = reader.integerOr("max_position_embeddings", defaults.maxPosition, positionRange);
}

} // namespace

Activation readActivation(ConfigReader &reader, const std::string &key, const char *fallback) {
  std::string name = reader.stringOr(key, fallback);
  if (name == "silu" || name == "swish")
    return Activation::Silu;
  if (name == "gelu" || name == "gelu_python")
    return Activation::GeluErf;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_python_tanh" || name == "gelu_fast" ||
      name == "gelu_accurate")
    return Activation::GeluTanh;
  if (name == "relu")
    return Activation::Relu;
  if (name == "relu2")
    return Activation::Relu2;
  reader.fail(key,
              fmt::format("is {}; expected silu, gelu, gelu_new, gelu_pytorch_tanh, relu or relu2", inQuotes(name)));
  return Activation::Silu;
}

// generation_config.json decides how text is made; config.json stands in for keys it does not have.
void readSpecialTokens(ConfigReader &reader, ConfigReader &generation, int64_t vocabSize, std::optional<int64_t> &bosId,
                       std::vector<int64_t> &eosIds) {
  Range<int64_t> ids{0, vocabSize - 1};
  ConfigReader &bosSource = generation.has("bos_token_id") ? generation : reader;
  bosId = bosSource.optionalInteger("bos_token_id", ids);
  ConfigReader &eosSource = generation.has("eos_token_id") ? generation : reader;
  eosIds = eosSource.integers("eos_token_id", ids);
}

void DecoderConfig::read(ConfigReader &reader, ConfigReader &generation, const DecoderDefaults &defaults) {
  readShape(*this, reader, defaults);
  rmsNormEps = reader.numberOr("rms_norm_eps", defaults.rmsNormEps, {1e-12, 1});
  activation = readActivation(reader, defaults.activationKey, defaults.activation);
  tieWordEmbeddings = reader.booleanOr("tie_word_embeddings", defaults.tieWordEmbeddings);
  ropeInterleaved = reader.booleanOr("rope_interleaved", false);
  kinds = {{}};
  kindOfLayer.assign(size_t(layers), 0);
  if (!reader.failed() && !defaults.ropeInLayerKinds)
    kinds[0].rope = readRope(reader, {headDim, maxPosition, defaults.ropeTheta, defaults.partialRotary});
  readSpecialTokens(reader, generation, vocabSize, bosId, eosIds);
}

void DecoderConfig::readLayerTypes(ConfigReader &reader, const AttentionKind &full, const AttentionKind &sliding,
                                   bool (*isSliding)(int64_t layer, int64_t pattern), int64_t pattern) {
  kinds = {full, sliding};
  std::vector<std::string> types = reader.strings("layer_types");
  if (!types.empty() && int64_t(types.size()) != layers)
    return reader.fail("layer_types", fmt::format("has {} entries; expected {}, one a layer", types.size(), layers));
  for (int64_t layer = 0; layer < layers; ++layer) {
    if (types.empty()) {
      kindOfLayer[size_t(layer)] = isSliding(layer, pattern);
      continue;
    }
    const std::string &type = types[size_t(layer)];
    if (type != "full_attention" && type != "sliding_attention")
      return reader.fail("layer_types",
                         fmt::format("has {}; expected full_attention or sliding_attention", inQuotes(type)));
    kindOfLayer[size_t(layer)] = type == "sliding_attention";
  }
}

double DecoderConfig::scoreScale() const {
  return attentionScale != 0 ? attentionScale : 1 / std::sqrt(static_cast<double>(headDim));
}

void DecoderConfig::addMlp(std::vector<TensorSpec> &specs, const std::string &layer) const {
  if (mlpGated)
    addLinear(specs, layer + "mlp.gate_proj", intermediateSize, hiddenSize, mlpBias);
  addLinear(specs, layer + "mlp.up_proj", intermediateSize, hiddenSize, mlpBias);
  addLinear(specs, layer + "mlp.down_proj", hiddenSize, intermediateSize, mlpBias);
}

std::vector<TensorSpec> DecoderConfig::tensors() const {
  std::vector<TensorSpec> specs;
  auto norm = [&](const std::string &name, int64_t size) {
    specs.push_back({name + ".weight", {size}, TensorRole::Norm});
  };
  auto layerNorm = [&](const std::string &layer, const std::string &module) {
    if (!module.empty())
      norm(layer + module, hiddenSize);
  };
  specs.push_back({"model.embed_tokens.weight", {vocabSize, hiddenSize}, TensorRole::Embedding});
  for (int64_t i = 0; i < layers; ++i) {
    std::string layer = fmt::format("model.layers.{}.", i);
    layerNorm(layer, norms.beforeAttention);
    addLinear(specs, layer + "self_attn.q_proj", heads * headDim, hiddenSize, queryBias);
    addLinear(specs, layer + "self_attn.k_proj", kvHeads * headDim, hiddenSize, queryBias);
    addLinear(specs, layer + "self_attn.v_proj", kvHeads * headDim, hiddenSize, queryBias);
    if (headNorm != HeadNorm::None) {
      bool whole = headNorm == HeadNorm::WholeProjection;
      norm(layer + "self_attn.q_norm", whole ? heads * headDim : headDim);
      norm(layer + "self_attn.k_norm", whole ? kvHeads * headDim : headDim);
    }
    addLinear(specs, layer + "self_attn.o_proj", hiddenSize, heads * headDim, outputBias);
    layerNorm(layer, norms.afterAttention);
    layerNorm(layer, norms.beforeMlp);
    if (experts && experts->isIn(i))
      experts->addTensors(specs, layer, hiddenSize);
    else
      addMlp(specs, layer);
    layerNorm(layer, norms.afterMlp);
  }
  norm("model.norm", hiddenSize);
  if (!tieWordEmbeddings)
    addLinear(specs, "lm_head", vocabSize, hiddenSize, false);
  return specs;
}

Expected<> DecoderConfig::finish(ConfigReader &reader, ConfigReader &generation) {
  if (auto finished = reader.finish(warnings); !finished)
    return finished;
  if (const auto &failure = generation.error()) // its other keys steer sampling and are the user's to set
    return tl::unexpected<Error>(*failure);
  return {};
}

ModelDescription DecoderConfig::describe() const {
  ModelDescription description;
  description.family = family;
  description.architecture = architecture;
  description.vocabSize = vocabSize;
  description.maxPosition = maxPosition;
  description.bosId = bosId;
  description.eosIds = eosIds;
  description.tensors = tensors();
  description.ignoredTensors = {".rotary_emb.inv_freq"}; // saved by old versions of transformers; computed here
  description.ignoredTensors.insert(description.ignoredTensors.end(), ignoredTensors.begin(), ignoredTensors.end());
  if (tieWordEmbeddings)
    description.ignoredTensors.push_back("lm_head.weight");
  description.warnings = warnings;
  return description;
}

void addLinear(std::vector<TensorSpec> &specs, const std::string &name, int64_t out, int64_t in, bool bias) {
  specs.push_back({name + ".weight", {out, in}, TensorRole::Matrix});
  if (bias)
    specs.push_back({name + ".bias", {out}, TensorRole::Bias});
}

} // namespace quipu::models
