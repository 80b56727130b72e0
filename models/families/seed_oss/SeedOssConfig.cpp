// Seed-OSS: Llama with a bias on q, k and v.
#include "models/config/DecoderConfig.h"

namespace quipu::models::seed_oss {
namespace {

// As transformers' SeedOssConfig.
void read(DecoderConfig &seed, ConfigReader &reader) {
  seed.read(reader, {8, 524288, 128});
  seed.queryBias = reader.booleanOr("attention_bias", true);
  seed.outputBias = reader.booleanOr("attention_out_bias", false);
  seed.mlpBias = reader.booleanOr("mlp_bias", false);
}

// A GGUF file has another name for the norm before the MLP.
DecoderModules ggufModules() {
  DecoderModules modules;
  modules.afterAttention = modules.beforeMlp;
  modules.beforeMlp = {};
  return modules;
}

void completeGguf(GgufReading &reading) {
  reading.values["attention_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v"});
  reading.values["attention_out_bias"] = reading.hasBias({"attn_output"});
  reading.values["mlp_bias"] = reading.hasBias({"ffn_gate", "ffn_up", "ffn_down"});
}

} // namespace

const Family &family() {
  static const Family seed{"seed_oss",
                           {{"SeedOssForCausalLM", "seed_oss"}},
                           {{"seed_oss", "SeedOssForCausalLM", "seed_oss", ggufModules(), {}, completeGguf}},
                           describeDecoder,
                           read};
  return seed;
}

} // namespace quipu::models::seed_oss
