#include "models/granitemoe/GraniteMoeConfig.h"

#include "models/config/ModelConfig.h"

namespace quipu::models::granitemoe {
namespace {

constexpr Range<double> multiplierRange{1e-6, 1e6};

// A softmax over the logits of the chosen alone. A Hugging Face checkpoint has one matrix of both projections for each
// expert; llama.cpp's converter divides it.
void readExperts(DecoderConfig &granite, ConfigReader &reader) {
  ExpertsConfig &experts = granite.experts.emplace();
  experts.readCounts(reader, "num_local_experts", 8, 2);
  experts.size = granite.intermediateSize; // that of one expert
  experts.normalize = true;
  experts.layers.assign(size_t(granite.layers), true);
  experts.modules.router = "block_sparse_moe.router.layer";
  experts.modules.down = "block_sparse_moe.output_linear";
  if (reader.booleanOr("experts_gate_up_joined", true)) {
    experts.modules.gateAndUp = "block_sparse_moe.input_linear";
  } else {
    experts.modules.gate = "block_sparse_moe.gate_linear";
    experts.modules.up = "block_sparse_moe.up_linear";
  }
}

} // namespace

Expected<DecoderConfig> parseConfig(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  DecoderConfig granite(*match);
  ConfigReader reader(config.values, config.path), generation(config.generation, config.generationPath);
  granite.read(reader, generation, {});
  granite.queryBias = granite.outputBias = reader.booleanOr("attention_bias", false);
  granite.attentionScale = reader.numberOr("attention_multiplier", 1, multiplierRange);
  granite.embeddingScale = reader.numberOr("embedding_multiplier", 1, multiplierRange);
  granite.residualScale = reader.numberOr("residual_multiplier", 1, multiplierRange);
  granite.logitScale = 1 / reader.numberOr("logits_scaling", 1, multiplierRange);
  if (!reader.failed())
    readExperts(granite, reader);
  if (auto finished = granite.finish(reader, generation); !finished)
    return passError(std::move(finished));
  return granite;
}

namespace {

// Rows of q and k are reordered as those of Llama.
void completeGguf(GgufReading &reading) {
  reading.values["rope_interleaved"] = true;
  reading.values["experts_gate_up_joined"] = false;
  reading.values["attention_bias"] = reading.hasBias({"attn_q", "attn_k", "attn_v", "attn_output"});
}

} // namespace

const Family &family() {
  static const Family granite{"granitemoe",
                              {{"GraniteMoeForCausalLM", "granitemoe"}},
                              {{"granitemoe",
                                "GraniteMoeForCausalLM",
                                "granitemoe",
                                {{"ffn_gate_inp", "block_sparse_moe.router.layer"},
                                 {"ffn_gate_exps", "block_sparse_moe.gate_linear"},
                                 {"ffn_up_exps", "block_sparse_moe.up_linear"},
                                 {"ffn_down_exps", "block_sparse_moe.output_linear"}},
                                {{"expert_count", "num_local_experts", true},
                                 {"expert_used_count", "num_experts_per_tok", true},
                                 {"attention.scale", "attention_multiplier"},
                                 {"embedding_scale", "embedding_multiplier"},
                                 {"residual_scale", "residual_multiplier"},
                                 {"logit_scale", "logits_scaling"}},
                                completeGguf}},
                              describeDecoder<parseConfig>};
  return granite;
}

} // namespace quipu::models::granitemoe
