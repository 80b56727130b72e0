#include "models/llama/LlamaConfig.h"

#include "models/config/ModelConfig.h"

namespace quipu::models::llama {

Expected<DecoderConfig> parseConfig(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  bool isMistral = match->architecture.className == "MistralForCausalLM";

  DecoderConfig llama(*match);
  ConfigReader reader(config.values, config.path), generation(config.generation, config.generationPath);
  DecoderDefaults defaults;
  if (isMistral)
    defaults = {8, 131072};
  llama.read(reader, generation, defaults);
  // Mistral has neither; a bias asked for there is refused among the keys not read.
  llama.queryBias = llama.outputBias = !isMistral && reader.booleanOr("attention_bias", false);
  llama.mlpBias = !isMistral && reader.booleanOr("mlp_bias", false);
  if (isMistral) {
    std::optional<int64_t> &window = llama.kinds[0].window;
    window = reader.optionalInteger("sliding_window", positionRange);
    if (!window && !reader.isNull("sliding_window"))
      window = 4096;
  }
  if (auto finished = llama.finish(reader, generation); !finished)
    return passError(std::move(finished));
  return llama;
}

namespace {

// llama.cpp's converter reorders the rows of q and k so that the pairs its RoPE turns lie side by side. One bias is
// enough: the check of the tensors names those that are missing beside it.
void completeGguf(GgufReading &reading) {
  reading.values["rope_interleaved"] = true;
  reading.values["attention_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v", "attn_output"});
  reading.values["mlp_bias"] = reading.hasBias({"ffn_gate", "ffn_up", "ffn_down"});
}

} // namespace

const Family &family() {
  static const Family llama{"llama",
                            {{"LlamaForCausalLM", "llama"}, {"MistralForCausalLM", "mistral"}},
                            {{"llama", "LlamaForCausalLM", "llama", {}, {}, completeGguf}},
                            describeDecoder<parseConfig>};
  return llama;
}

} // namespace quipu::models::llama
