// Arcee's AFM: Llama with an MLP of squared ReLU and no gate.
#include "models/config/DecoderConfig.h"

namespace quipu::models::arcee {
namespace {

DecoderModules modules() {
  DecoderModules modules;
  modules.gate = {};
  return modules;
}

// As transformers' ArceeConfig.
void read(DecoderConfig &arcee, ConfigReader &reader) {
  DecoderDefaults defaults;
  defaults.maxPosition = 4096;
  defaults.normEps = 1e-5;
  defaults.activation = "relu2";
  arcee.read(reader, defaults);
  arcee.modules = modules();
  arcee.queryBias = arcee.outputBias = reader.booleanOr("attention_bias", false);
  arcee.mlpBias = reader.booleanOr("mlp_bias", false);
}

// Rows of q and k lie as in files of the llama architecture.
void completeGguf(GgufReading &reading) {
  reading.values["rope_interleaved"] = true;
  reading.values["attention_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v", "attn_output"});
  reading.values["mlp_bias"] = reading.hasBias({"ffn_up", "ffn_down"});
}

} // namespace

const Family &family() {
  static const Family arcee{"arcee",
                            {{"ArceeForCausalLM", "arcee"}},
                            {{"arcee", "ArceeForCausalLM", "arcee", modules(), {}, completeGguf}},
                            describeDecoder,
                            read};
  return arcee;
}

} // namespace quipu::models::arcee
