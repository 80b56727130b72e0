// OLMo 2 (norms after attention and MLP alone) and OLMo 3 (windows on three of four layers).
#include "models/config/DecoderConfig.h"

namespace quipu::models::olmo {
namespace {

DecoderModules modules() {
  DecoderModules modules;
  modules.beforeAttention = modules.beforeMlp = {};
  modules.afterAttention = "post_attention_layernorm";
  modules.afterMlp = "post_feedforward_layernorm";
  return modules;
}

// Layers with a window have a RoPE that is never scaled, but where rope_parameters says otherwise.
void readOlmo3Layers(DecoderConfig &olmo, ConfigReader &reader) {
  constexpr double theta = 500000;
  AttentionKind full{{}, olmo.readRope(reader, theta, {}, "full_attention")};
  bool nested = reader.section("rope_parameters").has("sliding_attention");
  AttentionKind sliding{reader.optionalInteger("sliding_window", positionRange),
                        nested ? olmo.readRope(reader, theta, {}, "sliding_attention")
                               : plainRope(full.rope->theta, olmo.headDim)};
  if (!sliding.window && !reader.isNull("sliding_window"))
    sliding.window = 4096;
  olmo.readLayerTypes(reader, full, sliding, allButLast, 4);
}

// As transformers' Olmo2Config and Olmo3Config.
void read(DecoderConfig &olmo, ConfigReader &reader) {
  bool isOlmo3 = olmo.architecture == "Olmo3ForCausalLM";
  DecoderDefaults defaults;
  defaults.normEps = 1e-5;
  defaults.readsRope = isOlmo3;
  olmo.read(reader, defaults);
  olmo.modules = modules();
  olmo.headNorm = HeadNorm::WholeProjection;
  olmo.queryBias = olmo.outputBias = reader.booleanOr("attention_bias", false);
  if (isOlmo3 && !reader.failed())
    readOlmo3Layers(olmo, reader);
}

// Both have one name there: only OLMo 3 has windows.
void completeGguf(GgufReading &reading) {
  nlohmann::json &values = reading.values;
  if (!values.contains("sliding_window"))
    return;
  values["architectures"] = {"Olmo3ForCausalLM"};
  values["model_type"] = "olmo3";
}

} // namespace

const Family &family() {
  static const Family olmo{"olmo",
                           {{"Olmo2ForCausalLM", "olmo2"}, {"Olmo3ForCausalLM", "olmo3"}},
                           {{"olmo2",
                             "Olmo2ForCausalLM",
                             "olmo2",
                             modules(),
                             {{"attention.sliding_window", "sliding_window"},
                              {"attention.sliding_window_pattern", "sliding_window_pattern"}},
                             completeGguf,
                             "Olmo3ForCausalLM"}},
                           describeDecoder,
                           read};
  return olmo;
}

} // namespace quipu::models::olmo
