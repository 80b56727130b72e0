#include "models/qwen/QwenConfig.h"

#include "models/config/ModelConfig.h"

namespace quipu::models::qwen {
namespace {

// The layers from max_window_layers on see a window only.
bool isSliding(int64_t layer, int64_t maxWindowLayers) { return layer >= maxWindowLayers; }

void readWindows(DecoderConfig &qwen, ConfigReader &reader) {
  bool uses = reader.booleanOr("use_sliding_window", false);
  int64_t window = reader.integerOr("sliding_window", 4096, positionRange);
  int64_t maxWindowLayers = reader.integerOr("max_window_layers", 28, {0, 1 << 12});
  AttentionKind full = qwen.kinds[0], sliding = full;
  if (uses)
    sliding.window = window;
  qwen.readLayerTypes(reader, full, sliding, isSliding, uses ? maxWindowLayers : qwen.layers);
}

} // namespace

Expected<DecoderConfig> parseConfig(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  bool isQwen3 = match->architecture.className == "Qwen3ForCausalLM";

  DecoderConfig qwen(*match);
  ConfigReader reader(config.values, config.path), generation(config.generation, config.generationPath);
  DecoderDefaults defaults{32, 32768};
  if (isQwen3)
    defaults.headDim = 128;
  qwen.read(reader, generation, defaults);
  // Qwen2 has biases on q, k and v and no key that says so.
  qwen.queryBias = !isQwen3 || reader.booleanOr("attention_bias", false);
  qwen.outputBias = isQwen3 && qwen.queryBias;
  if (isQwen3)
    qwen.headNorm = HeadNorm::EachHead;
  readWindows(qwen, reader);
  if (auto finished = qwen.finish(reader, generation); !finished)
    return passError(std::move(finished));
  return qwen;
}

const Family &family() {
  static const Family qwen{"qwen",
                           {{"Qwen2ForCausalLM", "qwen2"}, {"Qwen3ForCausalLM", "qwen3"}},
                           {{"qwen2", "Qwen2ForCausalLM", "qwen2"}, {"qwen3", "Qwen3ForCausalLM", "qwen3"}},
                           describeDecoder<parseConfig>};
  return qwen;
}

} // namespace quipu::models::qwen
