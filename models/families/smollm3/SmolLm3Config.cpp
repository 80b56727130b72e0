// SmolLM3: every fourth layer does not rotate q and k.
#include "models/config/DecoderConfig.h"

#include <algorithm>

namespace quipu::models::smollm3 {
namespace {

// 1 for each layer that rotates, as no_rope_layers has it.
std::vector<int64_t> readRotated(const DecoderConfig &smollm, ConfigReader &reader) {
  int64_t interval = reader.integerOr("no_rope_layer_interval", 4, {1, 1 << 12});
  std::vector<int64_t> rotated = reader.integers("no_rope_layers", {0, 1});
  if (rotated.empty())
    for (int64_t layer = 0; layer < smollm.layers; ++layer)
      rotated.push_back((layer + 1) % interval != 0);
  if (int64_t(rotated.size()) != smollm.layers) {
    reader.fail("no_rope_layers",
                fmt::format("has {} entries; expected {}, one a layer", rotated.size(), smollm.layers));
    rotated.resize(size_t(smollm.layers));
  }
  return rotated;
}

// Windows are for layers that do not rotate, unless layer_types says otherwise.
void readLayers(DecoderConfig &smollm, ConfigReader &reader) {
  std::vector<int64_t> rotated = readRotated(smollm, reader);
  bool usesWindow = reader.booleanOr("use_sliding_window", false);
  std::optional<int64_t> window = reader.optionalInteger("sliding_window", positionRange);
  if (!usesWindow)
    window = {};
  bool hasTypes = reader.has("layer_types");
  AttentionKind full = smollm.kinds[0], sliding = full;
  sliding.window = window;
  smollm.readLayerTypes(reader, full, sliding, [](int64_t, int64_t) { return false; }, 0);
  if (reader.failed())
    return;
  size_t kinds = smollm.kinds.size();
  for (size_t kind = 0; kind < kinds; ++kind) {
    smollm.kinds.push_back(smollm.kinds[kind]);
    smollm.kinds.back().rope = {};
  }
  for (size_t layer = 0; layer < rotated.size(); ++layer) {
    size_t &kind = smollm.kindOfLayer[layer];
    if (!rotated[layer])
      kind = kinds + (hasTypes ? kind : 1);
  }
}

// As transformers' SmolLM3Config.
void read(DecoderConfig &smollm, ConfigReader &reader) {
  DecoderDefaults defaults{4, 32768};
  defaults.ropeTheta = 2e6;
  defaults.tieWordEmbeddings = true;
  smollm.read(reader, defaults);
  smollm.queryBias = smollm.outputBias = reader.booleanOr("attention_bias", false);
  reader.has("max_window_layers"); // left over from Qwen2: layer_types has what counts
  smollm.mlpBias = reader.booleanOr("mlp_bias", false);
  readLayers(smollm, reader);
}

// Rows of q and k lie as in files of the llama architecture.
void completeGguf(GgufReading &reading) {
  reading.values["rope_interleaved"] = true;
  reading.values["attention_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v", "attn_output"});
  reading.values["mlp_bias"] = reading.hasBias({"ffn_gate", "ffn_up", "ffn_down"});
}

} // namespace

const Family &family() {
  static const Family smollm{"smollm3",
                             {{"SmolLM3ForCausalLM", "smollm3"}},
                             {{"smollm3", "SmolLM3ForCausalLM", "smollm3", {}, {}, completeGguf}},
                             describeDecoder,
                             read};
  return smollm;
}

} // namespace quipu::models::smollm3
