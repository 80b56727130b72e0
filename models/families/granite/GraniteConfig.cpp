// Granite 3 (dense): Llama with four multipliers.
#include "models/config/DecoderConfig.h"

namespace quipu::models::granite {
namespace {

constexpr Range<double> multiplierRange{1e-6, 1e6};

// As transformers' GraniteConfig.
void read(DecoderConfig &granite, ConfigReader &reader) {
  granite.read(reader, {});
  granite.queryBias = granite.outputBias = reader.booleanOr("attention_bias", false);
  granite.mlpBias = reader.booleanOr("mlp_bias", false);
  granite.embeddingScale = reader.numberOr("embedding_multiplier", 1, multiplierRange);
  granite.residualScale = reader.numberOr("residual_multiplier", 1, multiplierRange);
  granite.logitScale = 1 / reader.numberOr("logits_scaling", 1, multiplierRange);
  granite.kinds[0].scale = reader.numberOr("attention_multiplier", 1, multiplierRange);
}

// Rows of q and k lie as in files of the llama architecture.
void completeGguf(GgufReading &reading) {
  reading.values["rope_interleaved"] = true;
  reading.values["attention_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v", "attn_output"});
  reading.values["mlp_bias"] = reading.hasBias({"ffn_gate", "ffn_up", "ffn_down"});
}

} // namespace

const Family &family() {
  static const Family granite{"granite",
                              {{"GraniteForCausalLM", "granite"}},
                              {{"granite",
                                "GraniteForCausalLM",
                                "granite",
                                {},
                                {{"attention.scale", "attention_multiplier"},
                                 {"embedding_scale", "embedding_multiplier"},
                                 {"residual_scale", "residual_multiplier"},
                                 {"logit_scale", "logits_scaling"}},
                                completeGguf}},
                              describeDecoder,
                              read};
  return granite;
}

} // namespace quipu::models::granite
