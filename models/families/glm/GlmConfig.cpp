// GLM-4: half of a head's dimensions turn, in pairs of neighbours. GLM-4-0414 (Glm4) has norms on both sides of
// attention and MLP, the older one (Glm) before them alone.
#include "models/config/DecoderConfig.h"

namespace quipu::models::glm {
namespace {

DecoderModules glmModules() {
  DecoderModules modules;
  modules.gate = modules.up = "mlp.gate_up_proj";
  return modules;
}

DecoderModules glm4Modules() {
  DecoderModules modules = glmModules();
  modules.afterAttention = "post_self_attn_layernorm";
  modules.afterMlp = "post_mlp_layernorm";
  return modules;
}

// As transformers' GlmConfig and Glm4Config.
void read(DecoderConfig &glm, ConfigReader &reader) {
  DecoderDefaults defaults{2, 131072, 128};
  defaults.normEps = 0.00000015625;
  defaults.partialRotary = 0.5;
  glm.ropeInterleaved = true;
  glm.read(reader, defaults);
  glm.modules = glm.architecture == "Glm4ForCausalLM" ? glm4Modules() : glmModules();
  glm.queryBias = reader.booleanOr("attention_bias", true);
}

void completeGguf(GgufReading &reading) {
  reading.values["attention_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v"});
}

} // namespace

const Family &family() {
  static const Family glm{
      "glm",
      {{"GlmForCausalLM", "glm"}, {"Glm4ForCausalLM", "glm4"}},
      {{"glm4", "Glm4ForCausalLM", "glm4", glm4Modules(), {{"rope.dimension_count", "rotary_dim"}}, completeGguf}},
      describeDecoder,
      read};
  return glm;
}

} // namespace quipu::models::glm
