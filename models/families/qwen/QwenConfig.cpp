// Qwen2, Qwen2.5 and Qwen3, dense and of routed experts.
#include "models/config/DecoderConfig.h"

#include <algorithm>

namespace quipu::models::qwen {
namespace {

// The layers from max_window_layers on see a window only.
bool isSliding(int64_t layer, int64_t maxWindowLayers) { return layer >= maxWindowLayers; }

// In models of routed experts every other layer below max_window_layers does.
bool isSlidingOfExperts(int64_t layer, int64_t maxWindowLayers) { return layer % 2 == 0 && layer < maxWindowLayers; }

void readWindows(DecoderConfig &qwen, ConfigReader &reader) {
  bool uses = reader.booleanOr("use_sliding_window", false);
  int64_t window = reader.integerOr("sliding_window", 4096, {0, positionRange.max});
  int64_t maxWindowLayers = reader.integerOr("max_window_layers", 28, {0, 1 << 12});
  AttentionKind full = qwen.kinds[0], sliding = full;
  if (uses && window > 0)
    sliding.window = window;
  if (qwen.experts)
    qwen.readLayerTypes(reader, full, sliding, isSlidingOfExperts, uses ? maxWindowLayers : 0);
  else
    qwen.readLayerTypes(reader, full, sliding, isSliding, uses ? maxWindowLayers : qwen.layers);
}

ExpertModules expertModules() {
  ExpertModules modules;
  modules.shared = "mlp.shared_expert";
  return modules;
}

// Of each `step` layers the last has experts, unless the list names it.
void readExperts(DecoderConfig &qwen, ConfigReader &reader, bool isQwen3) {
  ExpertsConfig &experts = qwen.experts.emplace();
  const char *count = reader.has("num_local_experts") ? "num_local_experts" : "num_experts";
  experts.readCounts(reader, count, isQwen3 ? 128 : 60, isQwen3 ? 8 : 4);
  experts.size = reader.integerOr("moe_intermediate_size", isQwen3 ? 768 : 1408, expertSizeRange);
  experts.normalize = reader.booleanOr("norm_topk_prob", false);
  int64_t step = reader.integerOr("decoder_sparse_step", 1, {1, 1 << 12});
  std::vector<int64_t> dense = reader.integers("mlp_only_layers", {0, qwen.layers - 1});
  for (int64_t layer = 0; layer < qwen.layers; ++layer)
    experts.layers.push_back((layer + 1) % step == 0 && std::find(dense.begin(), dense.end(), layer) == dense.end());
  if (isQwen3)
    return;
  experts.sharedSize = reader.integerOr("shared_expert_intermediate_size", 5632, expertSizeRange);
  experts.sharedGated = true;
  experts.modules = expertModules();
}

// Qwen3's experts see the window in every layer.
void readAttention(DecoderConfig &qwen, ConfigReader &reader, bool isQwen3) {
  // Qwen2 has biases on q, k and v and no key that says so; with experts it has one.
  bool hasBias = qwen.experts ? reader.booleanOr("qkv_bias", true) : true;
  qwen.queryBias = isQwen3 ? reader.booleanOr("attention_bias", false) : hasBias;
  qwen.outputBias = isQwen3 && qwen.queryBias;
  if (isQwen3)
    qwen.headNorm = HeadNorm::EachHead;
  if (!isQwen3 || !qwen.experts)
    return readWindows(qwen, reader);
  bool uses = reader.booleanOr("use_sliding_window", false);
  std::optional<int64_t> window = reader.optionalInteger("sliding_window", {0, positionRange.max});
  reader.optionalInteger("max_window_layers", {0, 1 << 12}); // which its attention does not read
  if (uses && window.value_or(4096) > 0)
    qwen.kinds[0].window = window.value_or(4096);
}

// As transformers' configuration classes of these names.
void read(DecoderConfig &qwen, ConfigReader &reader) {
  bool hasExperts = qwen.architecture == "Qwen2MoeForCausalLM" || qwen.architecture == "Qwen3MoeForCausalLM";
  bool isQwen3 = qwen.architecture == "Qwen3ForCausalLM" || qwen.architecture == "Qwen3MoeForCausalLM";
  DecoderDefaults defaults{32, 32768};
  if (hasExperts)
    defaults.kvHeads = isQwen3 ? 4 : 16;
  else if (isQwen3)
    defaults.headDim = 128;
  qwen.read(reader, defaults);
  if (hasExperts && !reader.failed())
    readExperts(qwen, reader, isQwen3);
  readAttention(qwen, reader, isQwen3);
}

std::vector<GgufKey> expertKeys() {
  return {{"expert_count", "num_experts", true},
          {"expert_used_count", "num_experts_per_tok", true},
          {"expert_feed_forward_length", "moe_intermediate_size"},
          {"expert_shared_feed_forward_length", "shared_expert_intermediate_size"}};
}

// What weights are divided by no key says: llama.cpp goes by the architecture.
void completeQwen2Moe(GgufReading &reading) { reading.values["qkv_bias"] = reading.hasBias({"attn_q"}); }
void completeQwen3Moe(GgufReading &reading) { reading.values["norm_topk_prob"] = true; }

} // namespace

const Family &family() {
  static const Family qwen{
      "qwen",
      {{"Qwen2ForCausalLM", "qwen2"},
       {"Qwen3ForCausalLM", "qwen3"},
       {"Qwen2MoeForCausalLM", "qwen2_moe"},
       {"Qwen3MoeForCausalLM", "qwen3_moe"}},
      {{"qwen2", "Qwen2ForCausalLM", "qwen2"},
       {"qwen3", "Qwen3ForCausalLM", "qwen3"},
       {"qwen2moe", "Qwen2MoeForCausalLM", "qwen2_moe", {}, expertKeys(), completeQwen2Moe, "", expertModules()},
       {"qwen3moe", "Qwen3MoeForCausalLM", "qwen3_moe", {}, expertKeys(), completeQwen3Moe, "", expertModules()}},
      describeDecoder,
      read};
  return qwen;
}

} // namespace quipu::models::qwen
