// GPT-NeoX and Pythia (Black et al., 2022).
#include "models/config/DecoderConfig.h"

namespace quipu::models::gpt_neox {
namespace {

DecoderModules modules() {
  DecoderModules modules;
  modules.query = modules.key = modules.value = "attention.query_key_value";
  modules.output = "attention.dense";
  modules.gate = {};
  modules.up = "mlp.dense_h_to_4h";
  modules.down = "mlp.dense_4h_to_h";
  modules.embedding = "gpt_neox.embed_in";
  modules.layers = "gpt_neox.layers";
  modules.finalNorm = "gpt_neox.final_layer_norm";
  modules.head = "embed_out";
  return modules;
}

// As transformers' GPTNeoXConfig.
void read(DecoderConfig &neox, ConfigReader &reader) {
  reader.alias("rms_norm_eps", "layer_norm_eps");
  reader.alias("rope_theta", "rotary_emb_base");
  reader.alias("partial_rotary_factor", "rotary_pct");
  DecoderDefaults defaults;
  defaults.normEps = 1e-5;
  defaults.activation = "gelu";
  defaults.partialRotary = 0.25;
  neox.read(reader, defaults);
  neox.kvHeads = neox.heads; // transformers looks at no other number
  neox.modules = modules();
  neox.layerNorms = neox.normBias = true;
  // q, k and v of one head after those of another; a GGUF file has all of q, then of k, then of v.
  neox.queryKeyValueByHead = reader.booleanOr("qkv_by_head", true);
  neox.parallel = reader.booleanOr("use_parallel_residual", true);
  neox.queryBias = neox.outputBias = reader.booleanOr("attention_bias", true);
  neox.mlpBias = true;
  neox.ignoredTensors.insert(neox.ignoredTensors.end(), {".attention.bias", ".attention.masked_bias"});
}

void completeGguf(GgufReading &reading) {
  reading.values["qkv_by_head"] = false;
  reading.values["attention_bias"] = reading.hasBias({"attn_qkv", "attn_output"});
}

} // namespace

const Family &family() {
  static const Family neox{"gpt_neox",
                           {{"GPTNeoXForCausalLM", "gpt_neox"}},
                           {{"gptneox",
                             "GPTNeoXForCausalLM",
                             "gpt_neox",
                             modules(),
                             {{"attention.layer_norm_epsilon", "layer_norm_eps"},
                              {"use_parallel_residual", "use_parallel_residual"},
                              {"rope.dimension_count", "rotary_dim"}},
                             completeGguf}},
                           describeDecoder,
                           read};
  return neox;
}

} // namespace quipu::models::gpt_neox
