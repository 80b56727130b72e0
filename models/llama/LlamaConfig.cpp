#include "models/llama/LlamaConfig.h"

#include "models/config/ModelConfig.h"

namespace quipu::models::llama {

Expected<LlamaConfig> LlamaConfig::parse(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  bool isMistral = match->architecture.className == "MistralForCausalLM";

  LlamaConfig llama;
  llama.architecture = match->architecture.className;
  ConfigReader reader(config.values, config.path), generation(config.generation, config.generationPath);
  llama.read(reader, generation, isMistral ? DecoderDefaults{8, 131072} : DecoderDefaults{std::nullopt, 2048});
  // Mistral has neither; a bias asked for there is refused among the keys not read.
  llama.attentionBias = !isMistral && reader.booleanOr("attention_bias", false);
  llama.mlpBias = !isMistral && reader.booleanOr("mlp_bias", false);
  llama.ropeInterleaved = reader.booleanOr("rope_interleaved", false);
  if (isMistral) {
    llama.slidingWindow = reader.optionalInteger("sliding_window", positionRange);
    if (!llama.slidingWindow && !reader.isNull("sliding_window"))
      llama.slidingWindow = 4096;
  }
  if (auto finished = llama.finish(reader, generation); !finished)
    return passError(std::move(finished));
  return llama;
}

std::vector<TensorSpec> LlamaConfig::tensors() const {
  std::vector<TensorSpec> specs;
  auto norm = [&](const std::string &name) { specs.push_back({name + ".weight", {hiddenSize}, TensorRole::Norm}); };

  specs.push_back({"model.embed_tokens.weight", {vocabSize, hiddenSize}, TensorRole::Embedding});
  for (int64_t i = 0; i < layers; ++i) {
    std::string layer = fmt::format("model.layers.{}.", i);
    norm(layer + "input_layernorm");
    addLinear(specs, layer + "self_attn.q_proj", heads * headDim, hiddenSize, attentionBias);
    addLinear(specs, layer + "self_attn.k_proj", kvHeads * headDim, hiddenSize, attentionBias);
    addLinear(specs, layer + "self_attn.v_proj", kvHeads * headDim, hiddenSize, attentionBias);
    addLinear(specs, layer + "self_attn.o_proj", hiddenSize, heads * headDim, attentionBias);
    norm(layer + "post_attention_layernorm");
    addLinear(specs, layer + "mlp.gate_proj", intermediateSize, hiddenSize, mlpBias);
    addLinear(specs, layer + "mlp.up_proj", intermediateSize, hiddenSize, mlpBias);
    addLinear(specs, layer + "mlp.down_proj", hiddenSize, intermediateSize, mlpBias);
  }
  norm("model.norm");
  if (!tieWordEmbeddings)
    addLinear(specs, "lm_head", vocabSize, hiddenSize, false);
  return specs;
}

namespace {

Expected<ModelDescription> describe(const ModelConfig &config) {
  auto llama = LlamaConfig::parse(config);
  if (!llama)
    return passError(std::move(llama));
  return llama->describe(family().name, llama->tensors());
}

} // namespace

const Family &family() {
  static const Family llama{"llama", {{"LlamaForCausalLM", "llama"}, {"MistralForCausalLM", "mistral"}}, describe};
  return llama;
}

} // namespace quipu::models::llama
