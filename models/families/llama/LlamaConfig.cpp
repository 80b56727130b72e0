// Llama 2 to 3.2, and what is built like it: TinyLlama, SmolLM2. Mixtral, whose GGUF files have the same architecture.
#include "models/config/DecoderConfig.h"

namespace quipu::models::llama {
namespace {

ExpertModules mixtralExperts() {
  ExpertModules modules;
  modules.router = "block_sparse_moe.gate";
  modules.gate = "block_sparse_moe.experts.*.w1";
  modules.up = "block_sparse_moe.experts.*.w3";
  modules.down = "block_sparse_moe.experts.*.w2";
  return modules;
}

// As transformers' MixtralConfig: experts in every layer, weights normalised, no biases. The intermediate size is that
// of an expert.
void readMixtral(DecoderConfig &mixtral, ConfigReader &reader) {
  DecoderDefaults defaults{8, 131072};
  defaults.ropeTheta = 1e6;
  defaults.normEps = 1e-5;
  mixtral.read(reader, defaults);
  mixtral.kinds[0].window = reader.optionalInteger("sliding_window", positionRange);
  if (reader.failed())
    return;
  ExpertsConfig &experts = mixtral.experts.emplace();
  experts.readCounts(reader, "num_local_experts", 8, 2);
  experts.size = mixtral.intermediateSize;
  experts.normalize = true;
  experts.layers.assign(size_t(mixtral.layers), true);
  experts.modules = mixtralExperts();
}

// As transformers' LlamaConfig.
void read(DecoderConfig &llama, ConfigReader &reader) {
  if (llama.architecture == "MixtralForCausalLM")
    return readMixtral(llama, reader);
  llama.read(reader, {});
  llama.queryBias = llama.outputBias = reader.booleanOr("attention_bias", false);
  llama.mlpBias = reader.booleanOr("mlp_bias", false);
}

// llama.cpp's converter reorders the rows of q and k so that the pairs its RoPE turns lie side by side. One bias is
// enough: the check of the tensors names those that are missing beside it.
void completeGguf(GgufReading &reading) {
  nlohmann::json &values = reading.values;
  values["rope_interleaved"] = true;
  if (values.value("num_local_experts", nlohmann::json(0)) != 0) {
    values["architectures"] = {"MixtralForCausalLM"};
    values["model_type"] = "mixtral";
    return;
  }
  values.erase("num_local_experts");
  values.erase("num_experts_per_tok");
  values["attention_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v", "attn_output"});
  values["mlp_bias"] = reading.hasBias({"ffn_gate", "ffn_up", "ffn_down"});
}

} // namespace

const Family &family() {
  static const Family llama{"llama",
                            {{"LlamaForCausalLM", "llama"}, {"MixtralForCausalLM", "mixtral"}},
                            {{"llama",
                              "LlamaForCausalLM",
                              "llama",
                              {},
                              {{"expert_count", "num_local_experts"}, {"expert_used_count", "num_experts_per_tok"}},
                              completeGguf,
                              "MixtralForCausalLM",
                              mixtralExperts()}},
                            describeDecoder,
                            read};
  return llama;
}

} // namespace quipu::models::llama
