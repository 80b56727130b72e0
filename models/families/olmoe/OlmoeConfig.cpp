// OLMoE: routed experts in every layer, norms of the whole of q and of k.
#include "models/config/DecoderConfig.h"

namespace quipu::models::olmoe {
namespace {

// As transformers' OlmoeConfig.
void read(DecoderConfig &olmoe, ConfigReader &reader) {
  DecoderDefaults defaults;
  defaults.maxPosition = 4096;
  defaults.normEps = 1e-5;
  olmoe.read(reader, defaults);
  olmoe.queryBias = olmoe.outputBias = reader.booleanOr("attention_bias", false);
  olmoe.headNorm = HeadNorm::WholeProjection;
  if (reader.failed())
    return;
  ExpertsConfig &experts = olmoe.experts.emplace();
  experts.readCounts(reader, "num_experts", 64, 8);
  experts.size = olmoe.intermediateSize; // that of one expert
  experts.normalize = reader.booleanOr("norm_topk_prob", false);
  experts.layers.assign(size_t(olmoe.layers), true);
}

} // namespace

const Family &family() {
  static const Family olmoe{
      "olmoe",
      {{"OlmoeForCausalLM", "olmoe"}},
      {{"olmoe",
        "OlmoeForCausalLM",
        "olmoe",
        {},
        {{"expert_count", "num_experts", true}, {"expert_used_count", "num_experts_per_tok", true}},
        nullptr,
        "",
        ExpertModules{}}},
      describeDecoder,
      read};
  return olmoe;
}

} // namespace quipu::models::olmoe
