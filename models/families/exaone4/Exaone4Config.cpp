// EXAONE 4.0: norms after attention and MLP alone, and RoPE only on layers that see a window, where there are any.
#include "models/config/DecoderConfig.h"

namespace quipu::models::exaone4 {
namespace {

DecoderModules modules() {
  DecoderModules modules;
  modules.beforeAttention = modules.beforeMlp = {};
  modules.afterAttention = "post_attention_layernorm";
  modules.afterMlp = "post_feedforward_layernorm";
  return modules;
}

// sliding_window_pattern is a number, or old files have "LLLG" for 4.
int64_t readPattern(ConfigReader &reader) {
  if (reader.isString("sliding_window_pattern")) {
    std::string letters = reader.stringOr("sliding_window_pattern", "");
    if (letters.empty() || letters != std::string(letters.size() - 1, 'L') + 'G')
      reader.fail("sliding_window_pattern", "is no number and no list of L that ends with G");
    return std::max<int64_t>(1, int64_t(letters.size()));
  }
  return std::max<int64_t>(1, reader.integerOr("sliding_window_pattern", 4, {0, 1 << 12}));
}

// As transformers' Exaone4Config.
void read(DecoderConfig &exaone, ConfigReader &reader) {
  DecoderDefaults defaults{32};
  defaults.normEps = 1e-5;
  exaone.read(reader, defaults);
  exaone.modules = modules();
  exaone.headNorm = HeadNorm::EachHead;

  AttentionKind full = exaone.kinds[0], sliding = full;
  sliding.window = reader.optionalInteger("sliding_window", positionRange);
  if (!sliding.window && !reader.isNull("sliding_window"))
    sliding.window = 4096;
  if (sliding.window)
    full.rope = {};
  exaone.readLayerTypes(reader, full, sliding, allButLast, readPattern(reader));
}

// A file without a window has a model without one.
void completeGguf(GgufReading &reading) {
  if (!reading.values.contains("sliding_window"))
    reading.values["sliding_window"] = nullptr;
}

} // namespace

const Family &family() {
  static const Family exaone{"exaone4",
                             {{"Exaone4ForCausalLM", "exaone4"}},
                             {{"exaone4",
                               "Exaone4ForCausalLM",
                               "exaone4",
                               modules(),
                               {{"attention.sliding_window", "sliding_window"},
                                {"attention.sliding_window_pattern", "sliding_window_pattern"}},
                               completeGguf}},
                             describeDecoder,
                             read};
  return exaone;
}

} // namespace quipu::models::exaone4
