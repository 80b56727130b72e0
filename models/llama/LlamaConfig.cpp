#include "models/llama/LlamaConfig.h"

#include "models/config/ModelConfig.h"

namespace quipu::models::llama {

// Mixtral: in every layer, weights normalised. The intermediate size is that of an expert.
static void readExperts(DecoderConfig &mixtral, ConfigReader &reader) {
  ExpertsConfig &experts = mixtral.experts.emplace();
  experts.readCounts(reader, "num_local_experts", 8, 2);
  experts.size = mixtral.intermediateSize;
  experts.normalize = true;
  experts.layers.assign(size_t(mixtral.layers), true);
  experts.modules.router = "block_sparse_moe.gate";
  experts.modules.gate = "block_sparse_moe.experts.*.w1";
  experts.modules.up = "block_sparse_moe.experts.*.w3";
  experts.modules.down = "block_sparse_moe.experts.*.w2";
}

Expected<DecoderConfig> parseConfig(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  bool isMixtral = match->architecture.className == "MixtralForCausalLM";
  bool isMistral = isMixtral || match->architecture.className == "MistralForCausalLM";

  DecoderConfig llama(*match);
  ConfigReader reader(config.values, config.path), generation(config.generation, config.generationPath);
  DecoderDefaults defaults;
  if (isMistral)
    defaults = {8, 131072};
  if (isMixtral) {
    defaults.ropeTheta = 1e6;
    defaults.rmsNormEps = 1e-5;
  }
  llama.read(reader, generation, defaults);
  if (isMixtral && !reader.failed())
    readExperts(llama, reader);
  // Mistral has neither; a bias asked for there is refused among the keys not read.
  llama.queryBias = llama.outputBias = !isMistral && reader.booleanOr("attention_bias", false);
  llama.mlpBias = !isMistral && reader.booleanOr("mlp_bias", false);
  if (isMistral) {
    std::optional<int64_t> &window = llama.kinds[0].window;
    window = reader.optionalInteger("sliding_window", positionRange);
    if (!window && !isMixtral && !reader.isNull("sliding_window"))
      window = 4096;
  }
  if (auto finished = llama.finish(reader, generation); !finished)
    return passError(std::move(finished));
  return llama;
}

namespace {

// llama.cpp's converter reorders the rows of q and k so that the pairs its RoPE turns lie side by side. One bias is
// enough: the check of the tensors names those that are missing beside it.
void completeGguf(GgufReading &reading) {
  reading.values["rope_interleaved"] = true;
  reading.values["attention_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v", "attn_output"});
  reading.values["mlp_bias"] = reading.hasBias({"ffn_gate", "ffn_up", "ffn_down"});
  if (reading.values.value("num_local_experts", nlohmann::json(0)) == 0) {
    reading.values.erase("num_local_experts");
    reading.values.erase("num_experts_per_tok");
    return;
  }
  reading.values["architectures"] = {"MixtralForCausalLM"};
  reading.values["model_type"] = "mixtral";
}

const std::vector<GgufName> expertNames = {{"ffn_gate_inp", "block_sparse_moe.gate"},
                                           {"ffn_gate_exps", "block_sparse_moe.experts.w1"},
                                           {"ffn_up_exps", "block_sparse_moe.experts.w3"},
                                           {"ffn_down_exps", "block_sparse_moe.experts.w2"}};
const std::vector<GgufKey> expertKeys = {{"expert_count", "num_local_experts"},
                                         {"expert_used_count", "num_experts_per_tok"}};

} // namespace

const Family &family() {
  static const Family llama{
      "llama",
      {{"LlamaForCausalLM", "llama"}, {"MistralForCausalLM", "mistral"}, {"MixtralForCausalLM", "mixtral"}},
      {{"llama", "LlamaForCausalLM", "llama", expertNames, expertKeys, completeGguf}},
      describeDecoder<parseConfig>};
  return llama;
}

} // namespace quipu::models::llama
