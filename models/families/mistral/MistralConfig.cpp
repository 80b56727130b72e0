// Mistral, Ministral with windows by layer, and Ministral 3.
#include "models/config/DecoderConfig.h"

namespace quipu::models::mistral {
namespace {

// Without layer_types every layer sees the window, if there is one.
bool everyLayer(int64_t, int64_t) { return true; }

// Ministral 3 scales queries as Llama 4 does: longer contexts get sharper attention.
void readQueryScale(DecoderConfig &mistral, ConfigReader &reader) {
  ConfigReader rope = ropeSection(reader);
  Range<double> range{0, 1e3};
  std::optional<double> beta = rope.optionalNumber("llama_4_scaling_beta", range);
  if (!beta) // a GGUF file has it beside the keys of RoPE
    beta = reader.optionalNumber("llama_4_scaling_beta", range);
  int64_t length = rope.integerOr("original_max_position_embeddings", mistral.maxPosition, positionRange);
  if (beta)
    mistral.queryScale = QueryScale{*beta, length};
  rope.has("max_position_embeddings"); // that of the model, once more
}

// As transformers' MistralConfig, MinistralConfig and Ministral3Config. None has biases: one that is asked for is
// refused among the keys not read.
void read(DecoderConfig &mistral, ConfigReader &reader) {
  bool isMinistral3 = mistral.architecture == "Ministral3ForCausalLM";
  DecoderDefaults defaults{8, 131072};
  if (isMinistral3) {
    defaults.maxPosition = 262144;
    defaults.headDim = 128;
    defaults.normEps = 1e-5;
    defaults.ropeTheta = 1e6;
  }
  mistral.read(reader, defaults);
  if (isMinistral3)
    readQueryScale(mistral, reader);
  AttentionKind full = mistral.kinds[0], sliding = full;
  sliding.window = reader.optionalInteger("sliding_window", positionRange);
  if (!sliding.window && !isMinistral3 && !reader.isNull("sliding_window"))
    sliding.window = 4096;
  mistral.readLayerTypes(reader, full, sliding, everyLayer, 0);
}

void completeGguf(GgufReading &reading) { reading.values["rope_interleaved"] = true; }

} // namespace

const Family &family() {
  static const Family mistral{"mistral",
                              {{"MistralForCausalLM", "mistral"},
                               {"MinistralForCausalLM", "ministral"},
                               {"Ministral3ForCausalLM", "ministral3"}},
                              {{"mistral3",
                                "Ministral3ForCausalLM",
                                "ministral3",
                                {},
                                {{"attention.temperature_scale", "llama_4_scaling_beta"}},
                                completeGguf}},
                              describeDecoder,
                              read,
                              {{"Mistral3ForConditionalGeneration", "mistral3"}}};
  return mistral;
}

} // namespace quipu::models::mistral
