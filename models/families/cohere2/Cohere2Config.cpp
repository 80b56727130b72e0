// Cohere's Command R7B and Command A, and Tiny Aya: parallel blocks, and RoPE only on layers that see a window.
#include "models/config/DecoderConfig.h"

namespace quipu::models::cohere2 {
namespace {

DecoderModules modules() {
  DecoderModules modules;
  modules.beforeMlp = {};
  return modules;
}

// As transformers' Cohere2Config.
void read(DecoderConfig &cohere, ConfigReader &reader) {
  reader.alias("rms_norm_eps", "layer_norm_eps");
  DecoderDefaults defaults;
  defaults.maxPosition = 8192;
  defaults.normEps = 1e-5;
  defaults.tieWordEmbeddings = true;
  cohere.ropeInterleaved = true;
  cohere.read(reader, defaults);
  cohere.modules = modules();
  cohere.layerNorms = cohere.parallel = true;
  cohere.queryBias = cohere.outputBias = reader.booleanOr("attention_bias", false);
  // Of Cohere's own program: transformers does as if these had the values that all published models have.
  for (const char *key :
       {"order_of_interleaved_layers", "position_embedding_type", "rotary_pct", "use_embedding_sharing",
        "use_gated_activation", "use_parallel_block", "use_parallel_embedding"})
    reader.has(key);
  cohere.logitScale = reader.numberOr("logit_scale", 0.0625, {1e-6, 1e6});

  AttentionKind full, sliding = cohere.kinds[0];
  sliding.window = reader.optionalInteger("sliding_window", positionRange);
  if (!sliding.window && !reader.isNull("sliding_window"))
    sliding.window = 4096;
  if (!sliding.window)
    sliding = full; // no window, no rotation
  int64_t pattern = reader.integerOr("sliding_window_pattern", 4, {1, 1 << 12});
  pattern = reader.integerOr("_sliding_window_pattern", pattern, {1, 1 << 12});
  cohere.readLayerTypes(reader, full, sliding, allButLast, pattern);
}

} // namespace

const Family &family() {
  static const Family cohere{"cohere2",
                             {{"Cohere2ForCausalLM", "cohere2"}},
                             {{"cohere2",
                               "Cohere2ForCausalLM",
                               "cohere2",
                               modules(),
                               {{"attention.layer_norm_epsilon", "layer_norm_eps"},
                                {"attention.sliding_window", "sliding_window"},
                                {"attention.sliding_window_pattern", "sliding_window_pattern"},
                                {"logit_scale", "logit_scale"}}}},
                             describeDecoder,
                             read};
  return cohere;
}

} // namespace quipu::models::cohere2
