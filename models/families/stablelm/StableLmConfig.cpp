// StableLM 3B and StableLM 2 (Bellagente et al., 2024).
#include "models/config/DecoderConfig.h"

namespace quipu::models::stablelm {
namespace {

DecoderModules modules() {
  DecoderModules modules;
  modules.queryNorm = "self_attn.q_layernorm.norms";
  modules.keyNorm = "self_attn.k_layernorm.norms";
  return modules;
}

constexpr int64_t mostNormedHeads = 256; // every head has a tensor: a list that fits in memory, whatever a file says

// As transformers' StableLmConfig.
void read(DecoderConfig &stablelm, ConfigReader &reader) {
  reader.alias("rms_norm_eps", "layer_norm_eps");
  DecoderDefaults defaults{32, 4096};
  defaults.normEps = 1e-5;
  defaults.partialRotary = 0.25;
  stablelm.read(reader, defaults);
  stablelm.layerNorms = stablelm.normBias = true;
  stablelm.queryBias = reader.booleanOr("use_qkv_bias", false);
  stablelm.modules = modules();
  stablelm.parallel = reader.booleanOr("use_parallel_residual", false);
  if (stablelm.parallel)
    stablelm.modules.beforeMlp = {};
  if (reader.booleanOr("qk_layernorm", false)) { // StableLM 2 12B
    stablelm.headNorm = HeadNorm::EachHeadApart;
    if (stablelm.heads > mostNormedHeads)
      reader.fail("num_attention_heads",
                  fmt::format("is {}; expected at most {}, with a norm for each", stablelm.heads, mostNormedHeads));
  }
}

// A parallel block has one norm, whatever the file says: it may name the key only where the configuration does.
void completeGguf(GgufReading &reading) {
  reading.values["use_qkv_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v"});
  reading.values["use_parallel_residual"] = reading.findTensor("blk.0.ffn_norm.weight") == nullptr;
  reading.values["qk_layernorm"] = reading.findTensor("blk.0.attn_q_norm.weight") != nullptr;
}

} // namespace

const Family &family() {
  static const Family stablelm{"stablelm",
                               {{"StableLmForCausalLM", "stablelm"}},
                               {{"stablelm",
                                 "StableLmForCausalLM",
                                 "stablelm",
                                 modules(),
                                 {{"attention.layer_norm_epsilon", "layer_norm_eps"},
                                  {"use_parallel_residual", "use_parallel_residual"},
                                  {"rope.dimension_count", "rotary_dim"}},
                                 completeGguf,
                                 "",
                                 {},
                                 true}},
                               describeDecoder,
                               read};
  return stablelm;
}

} // namespace quipu::models::stablelm
