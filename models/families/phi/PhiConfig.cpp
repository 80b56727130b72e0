// Phi-1 to Phi-2 (layer norms, parallel blocks), and Phi-3 and Phi-4 (joined projections, LongRoPE).
#include "models/config/DecoderConfig.h"

namespace quipu::models::phi {
namespace {

DecoderModules phi2Modules() {
  DecoderModules modules;
  modules.output = "self_attn.dense";
  modules.queryNorm = "self_attn.q_layernorm";
  modules.keyNorm = "self_attn.k_layernorm";
  modules.gate = {};
  modules.up = "mlp.fc1";
  modules.down = "mlp.fc2";
  modules.beforeMlp = {};
  modules.finalNorm = "model.final_layernorm";
  return modules;
}

DecoderModules phi3Modules() {
  DecoderModules modules;
  modules.query = modules.key = modules.value = "self_attn.qkv_proj";
  modules.gate = modules.up = "mlp.gate_up_proj";
  return modules;
}

// As transformers' PhiConfig.
void readPhi2(DecoderConfig &phi, ConfigReader &reader) {
  reader.alias("rms_norm_eps", "layer_norm_eps");
  DecoderDefaults defaults;
  defaults.normEps = 1e-5;
  defaults.activation = "gelu_new";
  defaults.partialRotary = 0.5;
  phi.read(reader, defaults);
  phi.modules = phi2Modules();
  phi.layerNorms = phi.normBias = phi.parallel = true;
  phi.queryBias = phi.outputBias = phi.mlpBias = phi.headBias = true;
  if (reader.booleanOr("qk_layernorm", false))
    phi.headNorm = HeadNorm::EachHead;
}

// As transformers' Phi3Config.
void readPhi3(DecoderConfig &phi, ConfigReader &reader) {
  DecoderDefaults defaults;
  defaults.maxPosition = 4096;
  defaults.normEps = 1e-5;
  defaults.partialRotary = 1;
  phi.read(reader, defaults);
  phi.modules = phi3Modules();
  phi.kinds[0].window = reader.optionalInteger("sliding_window", positionRange);
  reader.has("original_max_position_embeddings"); // without meaning where RoPE is not scaled
}

void read(DecoderConfig &phi, ConfigReader &reader) {
  phi.architecture == "PhiForCausalLM" ? readPhi2(phi, reader) : readPhi3(phi, reader);
}

// A file says that there is no window by one of length 0.
void completePhi3(GgufReading &reading) {
  auto window = reading.values.find("sliding_window");
  if (window != reading.values.end() && *window == 0)
    reading.values.erase(window);
}

} // namespace

const Family &family() {
  static const Family phi{
      "phi",
      {{"PhiForCausalLM", "phi"}, {"Phi3ForCausalLM", "phi3"}},
      {{"phi2",
        "PhiForCausalLM",
        "phi",
        phi2Modules(),
        {{"attention.layer_norm_epsilon", "layer_norm_eps"}, {"rope.dimension_count", "rotary_dim"}}},
       {"phi3",
        "Phi3ForCausalLM",
        "phi3",
        phi3Modules(),
        {{"attention.sliding_window", "sliding_window"}, {"rope.dimension_count", "rotary_dim"}},
        completePhi3}},
      describeDecoder,
      read};
  return phi;
}

} // namespace quipu::models::phi
