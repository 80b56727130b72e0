// StarCoder 2 (Lozhkov et al., 2024).
#include "models/config/DecoderConfig.h"

namespace quipu::models::starcoder2 {
namespace {

DecoderModules modules() {
  DecoderModules modules;
  modules.gate = {};
  modules.up = "mlp.c_fc";
  modules.down = "mlp.c_proj";
  return modules;
}

// As transformers' Starcoder2Config.
void read(DecoderConfig &starcoder, ConfigReader &reader) {
  reader.alias("rms_norm_eps", "norm_epsilon");
  DecoderDefaults defaults{2, 4096};
  defaults.normEps = 1e-5;
  defaults.tieWordEmbeddings = true;
  defaults.activation = "gelu_pytorch_tanh";
  starcoder.read(reader, defaults);
  starcoder.modules = modules();
  starcoder.layerNorms = starcoder.normBias = true;
  starcoder.queryBias = starcoder.outputBias = starcoder.mlpBias = reader.booleanOr("use_bias", true);
  // Of configurations before transformers had the family, which knows these values alone.
  if (reader.stringOr("mlp_type", "default") != "default")
    reader.fail("mlp_type", "names another MLP; expected default");
  if (reader.stringOr("norm_type", "layer_norm") != "layer_norm")
    reader.fail("norm_type", "names another norm; expected layer_norm");
  starcoder.kinds[0].window = reader.optionalInteger("sliding_window", positionRange);
}

void completeGguf(GgufReading &reading) {
  reading.values["use_bias"] = reading.hasBias({"attn_q", "attn_output", "ffn_up", "ffn_down"});
}

} // namespace

const Family &family() {
  static const Family starcoder{"starcoder2",
                                {{"Starcoder2ForCausalLM", "starcoder2"}},
                                {{"starcoder2",
                                  "Starcoder2ForCausalLM",
                                  "starcoder2",
                                  modules(),
                                  {{"attention.layer_norm_epsilon", "norm_epsilon"}},
                                  completeGguf}},
                                describeDecoder,
                                read};
  return starcoder;
}

} // namespace quipu::models::starcoder2
