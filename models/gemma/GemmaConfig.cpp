#include "models/gemma/GemmaConfig.h"

#include "models/config/ModelConfig.h"

#include <cmath>

namespace quipu::models::gemma {
namespace {

// The last layer of each `pattern` sees everything.
bool isSliding(int64_t layer, int64_t pattern) { return (layer + 1) % pattern != 0; }

// Layers of Gemma 3 that see a window have a RoPE of their own: in rope_parameters.sliding_attention, or in old files
// that of rope_local_base_freq, never scaled.
RopeConfig slidingRope(const DecoderConfig &gemma, ConfigReader &reader) {
  double theta = reader.numberOr("rope_local_base_freq", 10000, {2, 1e15});
  if (!reader.section("rope_parameters").has("sliding_attention"))
    return plainRope(theta, gemma.headDim);
  return readRope(reader, {gemma.headDim, gemma.maxPosition, theta, {}, "sliding_attention"});
}

void readAttention(DecoderConfig &gemma, ConfigReader &reader, bool isGemma3) {
  double scalar = reader.numberOr("query_pre_attn_scalar", 256, {1e-3, 1e6});
  gemma.attentionScale = 1 / std::sqrt(scalar);
  gemma.attentionSoftcap = reader.optionalNumber("attn_logit_softcapping", {1e-3, 1e6});
  if (isGemma3)
    gemma.attentionSoftcap.reset(); // its configuration has the key, its attention does not read it
  else if (!gemma.attentionSoftcap && !reader.isNull("attn_logit_softcapping"))
    gemma.attentionSoftcap = 50;
  gemma.queryBias = gemma.outputBias = reader.booleanOr("attention_bias", false);
  if (reader.failed())
    return;
  AttentionKind full{
      {},
      readRope(reader, {gemma.headDim, gemma.maxPosition, isGemma3 ? 1e6 : 1e4, {}, isGemma3 ? "full_attention" : ""})};
  AttentionKind sliding{reader.integerOr("sliding_window", 4096, positionRange),
                        isGemma3 ? slidingRope(gemma, reader) : *full.rope};
  int64_t pattern = reader.integerOr("sliding_window_pattern", isGemma3 ? 6 : 2, {1, 1 << 12});
  // As transformers' own saves have it beside layer_types.
  pattern = reader.integerOr("_sliding_window_pattern", pattern, {1, 1 << 12});
  gemma.readLayerTypes(reader, full, sliding, isSliding, pattern);
}

} // namespace

Expected<DecoderConfig> parseConfig(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  bool isGemma3 = match->architecture.className == "Gemma3ForCausalLM";

  DecoderConfig gemma(*match);
  ConfigReader reader(config.values, config.path), generation(config.generation, config.generationPath);
  DecoderDefaults defaults{4, isGemma3 ? 131072 : 8192, 256};
  defaults.tieWordEmbeddings = true;
  defaults.activationKey = "hidden_activation";
  defaults.activation = "gelu_pytorch_tanh";
  defaults.ropeInLayerKinds = true;
  gemma.read(reader, generation, defaults);
  reader.has("hidden_act"); // beside hidden_activation, which alone is read
  readAttention(gemma, reader, isGemma3);
  if (isGemma3)
    gemma.headNorm = HeadNorm::EachHead;
  gemma.norms = {"input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                 "post_feedforward_layernorm"};
  // Gains are stored less 1; a GGUF file has it added.
  gemma.gainOffset = reader.numberOr("norm_gain_offset", 1, {0, 1});
  gemma.embeddingScale = std::sqrt(static_cast<double>(gemma.hiddenSize));
  gemma.logitSoftcap = reader.optionalNumber("final_logit_softcapping", {1e-3, 1e6});
  if (!isGemma3 && !gemma.logitSoftcap && !reader.isNull("final_logit_softcapping"))
    gemma.logitSoftcap = 30;
  if (reader.booleanOr("use_bidirectional_attention", false))
    reader.fail("use_bidirectional_attention", "is true; only causal attention is supported");
  if (auto finished = gemma.finish(reader, generation); !finished)
    return passError(std::move(finished));
  return gemma;
}

namespace {

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
  std::vector<GgufName> names = {{"post_attention_norm", "post_attention_layernorm"},
                                 {"ffn_norm", "pre_feedforward_layernorm"},
                                 {"post_ffw_norm", "post_feedforward_layernorm"}};
  static const Family gemma{"gemma",
                            {{"Gemma2ForCausalLM", "gemma2"}, {"Gemma3ForCausalLM", "gemma3_text"}},
                            {{"gemma2",
                              "Gemma2ForCausalLM",
                              "gemma2",
                              names,
                              {{"attention.sliding_window", "sliding_window"},
                               {"attn_logit_softcapping", "attn_logit_softcapping"},
                               {"final_logit_softcapping", "final_logit_softcapping"}},
                              completeGemma2},
                             {"gemma3",
                              "Gemma3ForCausalLM",
                              "gemma3_text",
                              names,
                              {{"attention.sliding_window", "sliding_window"},
                               {"rope.freq_base_swa", "rope_local_base_freq"},
                               {"final_logit_softcapping", "final_logit_softcapping"}},
                              completeGemma3}},
                            describeDecoder<parseConfig>};
  return gemma;
}

} // namespace quipu::models::gemma
