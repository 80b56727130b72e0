// GLM-4.5: routed experts behind some dense layers, scores that are sigmoids, half of a head's dimensions turn.
#include "models/config/DecoderConfig.h"

namespace quipu::models::glm4moe {
namespace {

void readExperts(DecoderConfig &glm, ConfigReader &reader) {
  ExpertsConfig &experts = glm.experts.emplace();
  experts.readCounts(reader, "n_routed_experts", 128, 8);
  experts.size = reader.integerOr("moe_intermediate_size", 1408, expertSizeRange);
  experts.sigmoid = experts.biased = true;
  experts.normalize = reader.booleanOr("norm_topk_prob", true);
  experts.scale = reader.numberOr("routed_scaling_factor", 1, {1e-6, 1e6});
  experts.sharedSize = experts.size * reader.integerOr("n_shared_experts", 1, {0, 1 << 8});
  experts.groups = reader.integerOr("n_group", 1, expertRange);
  experts.keptGroups = reader.integerOr("topk_group", 1, expertRange);
  int64_t ofGroup = experts.count / experts.groups;
  if (experts.count % experts.groups != 0 || (experts.groups > 1 && ofGroup < 2))
    reader.fail("n_group",
                fmt::format("is {}; expected groups of two or more that divide n_routed_experts, which is {}",
                            experts.groups, experts.count));
  if (experts.keptGroups > experts.groups || experts.keptGroups * ofGroup < experts.chosen)
    reader.fail("topk_group", fmt::format("is {}; expected at most n_group, and groups of num_experts_per_tok experts",
                                          experts.keptGroups));
  int64_t dense = reader.integerOr("first_k_dense_replace", 1, {0, 1 << 12});
  for (int64_t layer = 0; layer < glm.layers; ++layer)
    experts.layers.push_back(layer >= dense);
}

// As transformers' Glm4MoeConfig.
void read(DecoderConfig &glm, ConfigReader &reader) {
  DecoderDefaults defaults{8, 131072};
  defaults.normEps = 1e-5;
  defaults.partialRotary = 0.5;
  glm.read(reader, defaults);
  glm.queryBias = reader.booleanOr("attention_bias", false);
  if (reader.booleanOr("use_qk_norm", false))
    glm.headNorm = HeadNorm::EachHead;
  if (!reader.failed())
    readExperts(glm, reader);
  // Layers that predict further tokens come after those of the model, and are not run.
  int64_t further = reader.integerOr("num_nextn_predict_layers", 1, {0, 1 << 8});
  for (int64_t i = 0; i < further; ++i)
    glm.ignoredTensors.push_back(glm.modules.layerPrefix(glm.layers + i));
}

// GGUF gives the norm before the MLP the name of one after attention.
DecoderModules ggufModules() {
  DecoderModules modules;
  std::swap(modules.beforeMlp, modules.afterAttention);
  return modules;
}

// Layers that predict further tokens are counted among the blocks.
void completeGguf(GgufReading &reading) {
  nlohmann::json &values = reading.values;
  int64_t further = reading.metadata.integer(reading.named("nextn_predict_layers")).value_or(0);
  values["num_nextn_predict_layers"] = further;
  if (auto blocks = reading.metadata.integer(reading.named("block_count")))
    values["num_hidden_layers"] = *blocks - further;
  values["attention_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v"});
  values["use_qk_norm"] = reading.findTensor("blk.0.attn_q_norm.weight") != nullptr;
  constexpr int64_t sigmoid = 2;
  std::string key = reading.named("expert_gating_func");
  if (int64_t function = reading.metadata.integer(key).value_or(sigmoid); function != sigmoid)
    reading.metadata.fail(key, fmt::format("is {}; expected {}, the sigmoid", function, sigmoid));
  values.erase("expert_gating_func");
}

} // namespace

const Family &family() {
  static const Family glm{"glm4moe",
                          {{"Glm4MoeForCausalLM", "glm4_moe"}},
                          {{"glm4moe",
                            "Glm4MoeForCausalLM",
                            "glm4_moe",
                            ggufModules(),
                            {{"expert_count", "n_routed_experts", true},
                             {"expert_used_count", "num_experts_per_tok", true},
                             {"expert_feed_forward_length", "moe_intermediate_size"},
                             {"expert_shared_count", "n_shared_experts"},
                             {"expert_group_count", "n_group"},
                             {"expert_group_used_count", "topk_group"},
                             {"expert_weights_scale", "routed_scaling_factor"},
                             {"expert_weights_norm", "norm_topk_prob"},
                             {"leading_dense_block_count", "first_k_dense_replace"},
                             {"nextn_predict_layers", "num_nextn_predict_layers"},
                             {"expert_gating_func", "expert_gating_func"}},
                            completeGguf,
                            "",
                            ExpertModules{}}},
                          describeDecoder,
                          read};
  return glm;
}

} // namespace quipu::models::glm4moe
