#include "models/olmoe/OlmoeConfig.h"

#include "models/config/ModelConfig.h"

namespace quipu::models::olmoe {

Expected<DecoderConfig> parseConfig(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  DecoderConfig olmoe(*match);
  ConfigReader reader(config.values, config.path), generation(config.generation, config.generationPath);
  DecoderDefaults defaults;
  defaults.maxPosition = 4096;
  defaults.rmsNormEps = 1e-5;
  olmoe.read(reader, generation, defaults);
  olmoe.queryBias = olmoe.outputBias = reader.booleanOr("attention_bias", false);
  olmoe.headNorm = HeadNorm::WholeProjection;
  if (!reader.failed()) {
    ExpertsConfig &experts = olmoe.experts.emplace();
    experts.readCounts(reader, "num_experts", 64, 8);
    experts.size = olmoe.intermediateSize; // that of one expert
    experts.normalize = reader.booleanOr("norm_topk_prob", false);
    experts.layers.assign(size_t(olmoe.layers), true);
  }
  if (auto finished = olmoe.finish(reader, generation); !finished)
    return passError(std::move(finished));
  return olmoe;
}

const Family &family() {
  static const Family olmoe{
      "olmoe",
      {{"OlmoeForCausalLM", "olmoe"}},
      {{"olmoe",
        "OlmoeForCausalLM",
        "olmoe",
        {{"ffn_gate_inp", "mlp.gate"},
         {"ffn_gate_exps", "mlp.experts.gate_proj"},
         {"ffn_up_exps", "mlp.experts.up_proj"},
         {"ffn_down_exps", "mlp.experts.down_proj"}},
        {{"expert_count", "num_experts", true}, {"expert_used_count", "num_experts_per_tok", true}}}},
      describeDecoder<parseConfig>};
  return olmoe;
}

} // namespace quipu::models::olmoe
