#include "models/config/ConfigKeys.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace quipu::models {

namespace {

// The value, besides null, false and an empty list or object, at which a key means "off".
enum class Off { None, Zero, One };

struct MeaningKey {
  std::string_view key;
  Off off;
};

// Keys of many families: a family that supports one reads it, and then it never comes here.
constexpr MeaningKey meaningKeys[] = {
    // Weights stored in a scheme of their own.
    {"quantization_config", Off::None},
    {"quantization", Off::None},
    {"compression_config", Off::None},
    // Mixture of experts.
    {"num_experts", Off::Zero},
    {"num_local_experts", Off::Zero},
    {"n_routed_experts", Off::Zero},
    {"n_shared_experts", Off::Zero},
    {"num_experts_per_tok", Off::Zero},
    {"moe_intermediate_size", Off::Zero},
    // Attention.
    {"layer_types", Off::None},
    {"attention_bias", Off::None},
    {"attention_multiplier", Off::None},
    {"attn_logit_softcapping", Off::None},
    {"attn_output_gate", Off::None},
    {"attn_temperature_tuning", Off::None},
    {"attention_chunk_size", Off::None},
    {"query_pre_attn_scalar", Off::None},
    {"qk_norm", Off::None},
    {"use_qk_norm", Off::None},
    {"qk_layernorm", Off::None},
    {"clip_qkv", Off::None},
    {"qkv_bias", Off::None},
    {"kv_lora_rank", Off::Zero},
    {"q_lora_rank", Off::Zero},
    {"num_kv_shared_layers", Off::Zero},
    {"alibi", Off::None},
    {"use_alibi", Off::None},
    {"is_encoder_decoder", Off::None},
    {"add_cross_attention", Off::None},
    {"cross_attention_layers", Off::None},
    {"pruned_heads", Off::None},
    // Positions.
    {"partial_rotary_factor", Off::One},
    {"rotary_pct", Off::One},
    {"rotary_dim", Off::None},
    {"rope_interleaved", Off::None},
    {"rope_local_base_freq", Off::None},
    {"no_rope_layers", Off::None},
    {"no_rope_layer_interval", Off::Zero},
    {"mrope_section", Off::None},
    {"use_mrope", Off::None},
    {"mrope_interleaved", Off::None},
    {"short_factor", Off::None},
    {"long_factor", Off::None},
    {"full_attention", Off::None}, // rope_parameters nested by layer type
    {"sliding_attention", Off::None},
    // Dense layers, residuals and logits.
    {"mlp_bias", Off::None},
    {"lm_head_bias", Off::None},
    {"full_attn_mod", Off::One}, // every layer sees everything
    {"interpolate_factor", Off::One},
    {"parallel_attn", Off::None},
    {"use_parallel_residual", Off::None},
    {"embedding_multiplier", Off::One},
    {"residual_multiplier", Off::One},
    {"logits_scaling", Off::One},
    {"logit_scale", Off::One},
    {"final_logit_softcapping", Off::None},
    // Other modalities around the language model.
    {"text_config", Off::None},
    {"vision_config", Off::None},
    {"audio_config", Off::None},
};

constexpr std::string_view harmlessKeys[] = {
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_commit_hash",
    "_model_name_or_path",
    "_name_or_path",
    "architectures",
    "attention_dropout",
    "attention_sink_size",
    "attn_pdrop",
    "auto_map",
    "begin_suppress_tokens",
    "bos_token_id",
    "cache_implementation",
    "chunk_size_feed_forward",
    "classifier_dropout",
    "context_window_size",
    "decoder_start_token_id",
    "do_sample",
    "dtype",
    "embd_pdrop",
    "embedding_dropout",
    "eos_token_id",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "gradient_checkpointing",
    "hidden_dropout",
    "hidden_dropout_prob",
    "id2label",
    "initializer_range",
    "is_decoder",
    "is_llama_config",
    "label2id",
    "length_penalty",
    "max_length",
    "min_length",
    "model_type",
    "n_ctx",
    "n_special",
    "name_or_path",
    "output_attentions",
    "output_hidden_states",
    "output_router_logits",
    "output_scores",
    "pad_token_id",
    "predict_special_tokens",
    "prefill_chunk_size",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "remove_invalid_values",
    "reorder_and_upcast_attn",
    "repetition_penalty",
    "resid_pdrop",
    "residual_dropout",
    "return_dict",
    "return_dict_in_generate",
    "router_aux_loss_coef",
    "sep_token_id",
    "sliding_window_size",
    "summary_activation",
    "summary_first_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tie_encoder_decoder",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "unk_token_id",
    "unsloth_fixed",
    "unsloth_version",
    "use_bfloat16",
    "use_cache",
};

bool isOff(const MeaningKey &row, const nlohmann::json &value) {
  if (value.is_null() || value == false)
    return true;
  if (row.key == "layer_types" && value.is_array()) // attention of one kind, written out layer by layer
    return std::all_of(value.begin(), value.end(), [](const auto &type) { return type == "full_attention"; });
  if (value.is_array() || value.is_object())
    return value.empty();
  return (row.off == Off::Zero && value == 0) || (row.off == Off::One && value == 1);
}

} // namespace

std::vector<std::string_view> keysThatChangeMeaning() {
  std::vector<std::string_view> keys;
  for (const MeaningKey &row : meaningKeys)
    keys.push_back(row.key);
  return keys;
}

UnreadKey judgeUnreadKey(std::string_view key, const nlohmann::json &value) {
  for (const MeaningKey &row : meaningKeys)
    if (row.key == key)
      return isOff(row, value) ? UnreadKey::Harmless : UnreadKey::ChangesMeaning;
  bool harmless = std::find(std::begin(harmlessKeys), std::end(harmlessKeys), key) != std::end(harmlessKeys);
  return harmless || value.is_null() ? UnreadKey::Harmless : UnreadKey::Unknown;
}

} // namespace quipu::models
