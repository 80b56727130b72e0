#include "models/llama/LlamaConfig.h"

#include "models/config/ModelConfig.h"
#include "models/import/JsonFile.h"

namespace quipu::models::llama {

namespace {

// Wide enough for any model to come, narrow enough that no product of two of them overflows.
constexpr Range<int64_t> vocabRange{1, 1 << 24};
constexpr Range<int64_t> widthRange{1, 1 << 20};
constexpr Range<int64_t> intermediateRange{1, 1 << 24};
constexpr Range<int64_t> layersRange{1, 1 << 12};
constexpr Range<int64_t> headDimRange{2, 1 << 12};
constexpr Range<int64_t> positionRange{1, 1 << 30};

// What is not in config.json has the value of transformers' configuration class.
struct Defaults {
  std::optional<int64_t> kvHeads, slidingWindow; // of a key that is absent; null is another thing
  int64_t maxPosition;
};

Defaults defaultsOf(std::string_view className) {
  if (className == "MistralForCausalLM")
    return {8, 4096, 131072};
  return {std::nullopt, std::nullopt, 2048};
}

void readShape(LlamaConfig &llama, ConfigReader &reader, const ModelConfig &config, const Defaults &defaults) {
  llama.vocabSize = reader.integer("vocab_size", vocabRange);
  llama.hiddenSize = reader.integer("hidden_size", widthRange);
  llama.intermediateSize = reader.integer("intermediate_size", intermediateRange);
  llama.layers = reader.integer("num_hidden_layers", layersRange);
  llama.heads = reader.integer("num_attention_heads", widthRange);
  bool absent = !config.values.contains("num_key_value_heads");
  int64_t kvDefault = absent ? defaults.kvHeads.value_or(llama.heads) : llama.heads;
  llama.kvHeads = reader.integerOr("num_key_value_heads", kvDefault, widthRange);
  if (llama.heads % llama.kvHeads != 0)
    reader.fail("num_key_value_heads", fmt::format("is {}; expected a divisor of num_attention_heads, which is {}",
                                                   llama.kvHeads, llama.heads));

  std::optional<int64_t> headDim = reader.optionalInteger("head_dim", headDimRange);
  if (!headDim && llama.hiddenSize % llama.heads != 0)
    reader.fail("hidden_size",
                fmt::format("is {}; expected a multiple of num_attention_heads, which is {}, or head_dim",
                            llama.hiddenSize, llama.heads));
  llama.headDim = headDim.value_or(llama.hiddenSize / llama.heads);
  if (llama.headDim % 2 != 0 || llama.headDim < headDimRange.min || llama.headDim > headDimRange.max)
    reader.fail("head_dim",
                fmt::format("is {}{}; expected an even number, {} to {}", llama.headDim,
                            headDim ? "" : " (hidden_size / num_attention_heads)", headDimRange.min, headDimRange.max));
  llama.maxPosition = reader.integerOr("max_position_embeddings", defaults.maxPosition, positionRange);
}

Activation readActivation(ConfigReader &reader) {
  std::string name = reader.stringOr("hidden_act", "silu");
  if (name == "silu" || name == "swish")
    return Activation::Silu;
  if (name == "gelu" || name == "gelu_python")
    return Activation::GeluErf;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_python_tanh" || name == "gelu_fast" ||
      name == "gelu_accurate")
    return Activation::GeluTanh;
  if (name == "relu")
    return Activation::Relu;
  reader.fail("hidden_act",
              fmt::format("is {}; expected silu, gelu, gelu_new, gelu_pytorch_tanh or relu", inQuotes(name)));
  return Activation::Silu;
}

// generation_config.json decides how text is made; config.json stands in for keys it does not have.
void readSpecialTokens(LlamaConfig &llama, ConfigReader &reader, ConfigReader &generation) {
  Range<int64_t> ids{0, llama.vocabSize - 1};
  ConfigReader &bosSource = generation.has("bos_token_id") ? generation : reader;
  llama.bosId = bosSource.optionalInteger("bos_token_id", ids);
  ConfigReader &eosSource = generation.has("eos_token_id") ? generation : reader;
  llama.eosIds = eosSource.integers("eos_token_id", ids);
}

} // namespace

Expected<LlamaConfig> LlamaConfig::parse(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  bool isMistral = match->architecture.className == "MistralForCausalLM";
  Defaults defaults = defaultsOf(match->architecture.className);

  LlamaConfig llama;
  llama.architecture = match->architecture.className;
  ConfigReader reader(config.values, config.path);
  readShape(llama, reader, config, defaults);
  llama.rmsNormEps = reader.numberOr("rms_norm_eps", 1e-6, {1e-12, 1});
  llama.activation = readActivation(reader);
  llama.tieWordEmbeddings = reader.booleanOr("tie_word_embeddings", false);
  // Mistral has neither; a bias asked for there is refused among the keys not read.
  llama.attentionBias = !isMistral && reader.booleanOr("attention_bias", false);
  llama.mlpBias = !isMistral && reader.booleanOr("mlp_bias", false);
  if (!reader.failed())
    llama.rope = readRope(reader, llama.headDim, llama.maxPosition);
  if (isMistral) {
    llama.slidingWindow = reader.optionalInteger("sliding_window", positionRange);
    if (!config.values.contains("sliding_window"))
      llama.slidingWindow = defaults.slidingWindow;
  }

  ConfigReader generation(config.generation, config.generationPath);
  readSpecialTokens(llama, reader, generation);
  if (auto finished = reader.finish(llama.warnings); !finished)
    return passError(std::move(finished));
  if (auto failure = generation.error()) // its other keys steer sampling and are the user's to set
    return tl::unexpected<Error>(*failure);
  return llama;
}

std::vector<TensorSpec> LlamaConfig::tensors() const {
  std::vector<TensorSpec> specs;
  auto linear = [&](const std::string &name, int64_t out, int64_t in, bool bias) {
    specs.push_back({name + ".weight", {out, in}, TensorRole::Matrix});
    if (bias)
      specs.push_back({name + ".bias", {out}, TensorRole::Bias});
  };
  auto norm = [&](const std::string &name) { specs.push_back({name + ".weight", {hiddenSize}, TensorRole::Norm}); };

  specs.push_back({"model.embed_tokens.weight", {vocabSize, hiddenSize}, TensorRole::Embedding});
  for (int64_t i = 0; i < layers; ++i) {
    std::string layer = fmt::format("model.layers.{}.", i);
    norm(layer + "input_layernorm");
    linear(layer + "self_attn.q_proj", heads * headDim, hiddenSize, attentionBias);
    linear(layer + "self_attn.k_proj", kvHeads * headDim, hiddenSize, attentionBias);
    linear(layer + "self_attn.v_proj", kvHeads * headDim, hiddenSize, attentionBias);
    linear(layer + "self_attn.o_proj", hiddenSize, heads * headDim, attentionBias);
    norm(layer + "post_attention_layernorm");
    linear(layer + "mlp.gate_proj", intermediateSize, hiddenSize, mlpBias);
    linear(layer + "mlp.up_proj", intermediateSize, hiddenSize, mlpBias);
    linear(layer + "mlp.down_proj", hiddenSize, intermediateSize, mlpBias);
  }
  norm("model.norm");
  if (!tieWordEmbeddings)
    linear("lm_head", vocabSize, hiddenSize, false);
  return specs;
}

namespace {

Expected<ModelDescription> describe(const ModelConfig &config) {
  auto llama = LlamaConfig::parse(config);
  if (!llama)
    return passError(std::move(llama));
  ModelDescription description;
  description.family = family().name;
  description.architecture = llama->architecture;
  description.vocabSize = llama->vocabSize;
  description.maxPosition = llama->maxPosition;
  description.bosId = llama->bosId;
  description.eosIds = llama->eosIds;
  description.tensors = llama->tensors();
  description.ignoredTensors = {".rotary_emb.inv_freq"}; // saved by old versions of transformers; computed here
  if (llama->tieWordEmbeddings)
    description.ignoredTensors.push_back("lm_head.weight");
  description.warnings = std::move(llama->warnings);
  return description;
}

} // namespace

const Family &family() {
  static const Family llama{"llama", {{"LlamaForCausalLM", "llama"}, {"MistralForCausalLM", "mistral"}}, describe};
  return llama;
}

} // namespace quipu::models::llama
