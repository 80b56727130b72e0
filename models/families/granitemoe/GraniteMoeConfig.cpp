// Granite 3 of routed experts: its four multipliers, and a softmax over the logits of the chosen experts alone.
#include "models/config/DecoderConfig.h"

namespace quipu::models::granitemoe {
namespace {

constexpr Range<double> multiplierRange{1e-6, 1e6};

ExpertModules expertModules() {
  ExpertModules modules;
  modules.router = "block_sparse_moe.router.layer";
  modules.gate = "block_sparse_moe.gate_linear";
  modules.up = "block_sparse_moe.up_linear";
  modules.down = "block_sparse_moe.output_linear";
  return modules;
}

// A Hugging Face checkpoint has one matrix of both projections for each expert; llama.cpp's converter divides it.
void readExperts(DecoderConfig &granite, ConfigReader &reader) {
  ExpertsConfig &experts = granite.experts.emplace();
  experts.readCounts(reader, "num_local_experts", 8, 2);
  experts.size = granite.intermediateSize; // that of one expert
  experts.normalize = true;
  experts.layers.assign(size_t(granite.layers), true);
  experts.modules = expertModules();
  if (reader.booleanOr("experts_gate_up_joined", true))
    experts.modules.gateAndUp = "block_sparse_moe.input_linear";
}

// As transformers' GraniteMoeConfig.
void read(DecoderConfig &granite, ConfigReader &reader) {
  granite.read(reader, {});
  granite.queryBias = granite.outputBias = reader.booleanOr("attention_bias", false);
  granite.kinds[0].scale = reader.numberOr("attention_multiplier", 1, multiplierRange);
  granite.embeddingScale = reader.numberOr("embedding_multiplier", 1, multiplierRange);
  granite.residualScale = reader.numberOr("residual_multiplier", 1, multiplierRange);
  granite.logitScale = 1 / reader.numberOr("logits_scaling", 1, multiplierRange);
  if (!reader.failed())
    readExperts(granite, reader);
}

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
                                {},
                                {{"expert_count", "num_local_experts", true},
                                 {"expert_used_count", "num_experts_per_tok", true},
                                 {"attention.scale", "attention_multiplier"},
                                 {"embedding_scale", "embedding_multiplier"},
                                 {"residual_scale", "residual_multiplier"},
                                 {"logit_scale", "logits_scaling"}},
                                completeGguf,
                                "",
                                expertModules()}},
                              describeDecoder,
                              read};
  return granite;
}

} // namespace quipu::models::granitemoe
