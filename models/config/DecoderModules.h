// Where the weights of a decoder lie in a Hugging Face checkpoint. A family says it once: the tensors it needs, its
// graph and the names of its GGUF files follow from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace quipu::models {

// Names of modules, without ".weight" and ".bias". Norms with an empty name do not exist.
struct DecoderModules {
  // Inside a layer. One name for q, k and v, or for gate and up, is one joined matrix; an MLP without a gate has none.
  std::string query = "self_attn.q_proj", key = "self_attn.k_proj", value = "self_attn.v_proj";
  std::string output = "self_attn.o_proj";
  std::string queryNorm = "self_attn.q_norm", keyNorm = "self_attn.k_norm";
  std::string gate = "mlp.gate_proj", up = "mlp.up_proj", down = "mlp.down_proj";
  std::string beforeAttention = "input_layernorm", afterAttention = {};
  std::string beforeMlp = "post_attention_layernorm", afterMlp = {};

  // Around the layers.
  std::string embedding = "model.embed_tokens", positions = {}; // positions: a table of learned ones
  std::string layers = "model.layers"; // "model.layers.3." is in front of the modules of layer 3
  std::string finalNorm = "model.norm", head = "lm_head";

  bool joinsQueryKeyValue() const { return query == key; }
  bool joinsGateUp() const { return gate == up; }
  std::string layerPrefix(int64_t layer) const { return layers + "." + std::to_string(layer) + "."; }
};

// Modules of a layer; `*` stands for the number of an expert. A matrix of experts lies in a tensor for each, or in one
// of all of them, [experts, out, in], whose name has no number (GGUF). `gateAndUp`, where it is not empty, holds both
// projections of an expert in one matrix, the gate's rows first.
struct ExpertModules {
  std::string router = "mlp.gate";
  std::string gate = "mlp.experts.*.gate_proj";
  std::string up = "mlp.experts.*.up_proj";
  std::string down = "mlp.experts.*.down_proj";
  std::string gateAndUp = {};
  std::string shared = "mlp.shared_experts";
  std::string sharedGate = "mlp.shared_expert_gate";
};

// "mlp.experts.*.gate_proj" as the name of one tensor of all experts: "mlp.experts.gate_proj".
inline std::string ofAllExperts(std::string module) {
  size_t star = module.find('*');
  return star == module.npos ? module : module.erase(star, 2); // with the dot behind it
}

// Some rows of a joined matrix that has `of` rows: `count` runs of `size` rows, `stride` apart.
struct RowRuns {
  int64_t first, size, stride, count, of;
};

// A linear module, or a part of a joined one: y = x W^T + b, from `in` to `out` features.
struct LinearModule {
  std::string name;
  int64_t out, in;
  bool bias = false;
  std::optional<RowRuns> rows = {};
  bool transposed = false; // the checkpoint holds in x out, as GPT-2's Conv1D
};

} // namespace quipu::models
