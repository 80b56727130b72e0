// Gemma 2 and Gemma 3 (its text model).
#include "models/config/DecoderConfig.h"

#include <cmath>

namespace quipu::models::gemma {
namespace {

DecoderModules sandwichNorms() {
  DecoderModules modules;
  modules.afterAttention = "post_attention_layernorm";
  modules.beforeMlp = "pre_feedforward_layernorm";
  modules.afterMlp = "post_feedforward_layernorm";
  return modules;
}

// Layers of Gemma 3 that see a window have a RoPE of their own: in rope_parameters.sliding_attention, or in old files
// that of rope_local_base_freq, never scaled.
RopeConfig slidingRope(const DecoderConfig &gemma, ConfigReader &reader) {
  double theta = reader.numberOr("rope_local_base_freq", 10000, {2, 1e15});
  if (!reader.section("rope_parameters").has("sliding_attention"))
    return plainRope(theta, gemma.headDim);
  return gemma.readRope(reader, theta, {}, "sliding_attention");
}

void readAttention(DecoderConfig &gemma, ConfigReader &reader, bool isGemma3) {
  double scalar = reader.numberOr("query_pre_attn_scalar", 256, {1e-3, 1e6});
  double scale = 1 / std::sqrt(scalar);
  gemma.attentionSoftcap = reader.optionalNumber("attn_logit_softcapping", {1e-3, 1e6});
  if (isGemma3)
    gemma.attentionSoftcap.reset(); // its configuration has the key, its attention does not read it
  else if (!gemma.attentionSoftcap && !reader.isNull("attn_logit_softcapping"))
    gemma.attentionSoftcap = 50;
  gemma.queryBias = gemma.outputBias = reader.booleanOr("attention_bias", false);
  if (reader.failed())
    return;
  AttentionKind full{{}, gemma.readRope(reader, isGemma3 ? 1e6 : 1e4, {}, isGemma3 ? "full_attention" : ""), scale};
  AttentionKind sliding{reader.integerOr("sliding_window", 4096, positionRange),
                        isGemma3 ? slidingRope(gemma, reader) : *full.rope, scale};
  int64_t pattern = reader.integerOr("sliding_window_pattern", isGemma3 ? 6 : 2, {1, 1 << 12});
  // As transformers' own saves have it beside layer_types.
  pattern = reader.integerOr("_sliding_window_pattern", pattern, {1, 1 << 12});
  gemma.readLayerTypes(reader, full, sliding, allButLast, pattern);
}

// As transformers' Gemma2Config and Gemma3TextConfig.
void read(DecoderConfig &gemma, ConfigReader &reader) {
  bool isGemma3 = gemma.architecture == "Gemma3ForCausalLM";
  DecoderDefaults defaults{4, isGemma3 ? 131072 : 8192, 256};
  defaults.tieWordEmbeddings = true;
  defaults.activation = "gelu_pytorch_tanh";
  defaults.readsRope = true;
  if (isGemma3) { // the configurations that wrap a text model leave these out
    defaults.vocabSize = 262208;
    defaults.heads = 8;
  }
  reader.alias("hidden_act", "hidden_activation");
  gemma.read(reader, defaults);
  readAttention(gemma, reader, isGemma3);
  if (isGemma3)
    gemma.headNorm = HeadNorm::EachHead;
  gemma.modules = sandwichNorms();
  // Gains are stored less 1; a GGUF file has it added.
  gemma.gainOffset = reader.numberOr("norm_gain_offset", 1, {0, 1});
  gemma.embeddingScale = std::sqrt(static_cast<double>(gemma.hiddenSize));
  gemma.logitSoftcap = reader.optionalNumber("final_logit_softcapping", {1e-3, 1e6});
  if (!isGemma3 && !gemma.logitSoftcap && !reader.isNull("final_logit_softcapping"))
    gemma.logitSoftcap = 30;
  if (reader.booleanOr("use_bidirectional_attention", false))
    reader.fail("use_bidirectional_attention", "is true; only causal attention is supported");
}

// The scale of the largest models is that of their hidden size; a file names neither it nor the pattern of windows.
void completeGguf(GgufReading &reading, int64_t layersOfLargest) {
  nlohmann::json &values = reading.values;
  values["norm_gain_offset"] = 0;
  auto width = reading.metadata.integer(reading.named("embedding_length"));
  auto heads = reading.metadata.integer(reading.named("attention.head_count"));
  auto layers = reading.metadata.integer(reading.named("block_count"));
  if (layers == layersOfLargest && width && heads && *heads > 0)
    values["query_pre_attn_scalar"] = *width / *heads;
  else if (values.contains("head_dim"))
    values["query_pre_attn_scalar"] = values["head_dim"];
}

void completeGemma2(GgufReading &reading) { completeGguf(reading, 46); } // 27B
void completeGemma3(GgufReading &reading) { completeGguf(reading, 62); } // 27B

} // namespace

const Family &family() {
  static const Family gemma{"gemma",
                            {{"Gemma2ForCausalLM", "gemma2"}, {"Gemma3ForCausalLM", "gemma3_text"}},
                            {{"gemma2",
                              "Gemma2ForCausalLM",
                              "gemma2",
                              sandwichNorms(),
                              {{"attention.sliding_window", "sliding_window"},
                               {"attention.sliding_window_pattern", "sliding_window_pattern"},
                               {"attn_logit_softcapping", "attn_logit_softcapping"},
                               {"final_logit_softcapping", "final_logit_softcapping"}},
                              completeGemma2},
                             {"gemma3",
                              "Gemma3ForCausalLM",
                              "gemma3_text",
                              sandwichNorms(),
                              {{"attention.sliding_window", "sliding_window"},
                               {"attention.sliding_window_pattern", "sliding_window_pattern"},
                               {"rope.freq_base_swa", "rope_local_base_freq"},
                               {"final_logit_softcapping", "final_logit_softcapping"}},
                              completeGemma3}},
                            describeDecoder,
                            read,
                            {{"Gemma3ForConditionalGeneration", "gemma3"}}};
  return gemma;
}

} // namespace quipu::models::gemma
