#include "models/import/gguf/GgufConfig.h"

#include "models/Family.h"
#include "models/config/JsonFile.h"

#include <algorithm>
#include <cstring>

namespace quipu::models {

using nlohmann::json;

namespace {

constexpr GgufKey commonKeys[] = {
    {"embedding_length", "hidden_size", true},
    {"block_count", "num_hidden_layers", true},
    {"feed_forward_length", "intermediate_size", true},
    {"attention.head_count", "num_attention_heads", true},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.key_length", "head_dim"},
    {"context_length", "max_position_embeddings"},
    {"rope.freq_base", "rope_theta"},
};

// Read elsewhere, or without meaning for what is computed. The vocabulary's size is that of the embedding table.
constexpr std::string_view otherKeys[] = {
    "vocab_size",
    "tensor_data_layout",
    "attention.value_length",
    "rope.dimension_count",
    "rope.scale_linear",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.original_context_length",
    "rope.scaling.finetuned",
    "rope.scaling.yarn_attn_factor",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.yarn_ext_factor",
    "rope.scaling.yarn_log_multiplier",
};

// Values besides 0 and false make another model of it.
constexpr std::string_view meaningKeys[] = {
    "attention.causal", // false
    "attention.clamp_kqv",
    "attention.layer_norm_epsilon",
    "attention.max_alibi_bias",
    "attention.scale",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attention.temperature_scale",
    "attn_logit_softcapping",
    "embedding_scale",
    "expert_count",
    "expert_used_count",
    "final_logit_softcapping",
    "logit_scale",
    "residual_scale",
    "rope.scaling.attn_factor",
    "use_parallel_residual",
};

template <typename List> bool contains(const List &list, std::string_view key) {
  return std::find(std::begin(list), std::end(list), key) != std::end(list);
}

const GgufTensor *findIn(const GgufFile &file, std::string_view name) {
  auto found = std::find_if(file.tensors.begin(), file.tensors.end(), [&](const auto &t) { return t.name == name; });
  return found == file.tensors.end() ? nullptr : &*found;
}

class DecoderMetadata {
public:
  DecoderMetadata(const GgufFile &file, const GgufArchitecture &architecture, std::vector<std::string> &warnings)
      : file(file), architecture(architecture), metadata(file), warnings(warnings) {}

  Expected<ModelConfig> read() {
    values = {{"architectures", {architecture.className}}, {"model_type", architecture.modelType}};
    for (const GgufKey &key : commonKeys)
      copy(key);
    for (const GgufKey &key : architecture.keys)
      copy(key);
    readWindowPattern();
    checkHeadDim();
    readRopeScaling();
    readTensors();
    readSpecialTokens();
    GgufReading reading{file, metadata, architecture.name, values};
    if (architecture.complete)
      architecture.complete(reading);
    judgeOtherKeys();
    if (metadata.error())
      return tl::unexpected<Error>(*metadata.error());
    return ModelConfig{std::move(values), json::object(), file.name, file.name};
  }

private:
  std::string named(std::string_view key) const { return std::string(architecture.name) + "." + std::string(key); }

  void copy(const GgufKey &key) {
    json value = metadata.layerValue(named(key.gguf));
    if (!value.is_null())
      values[key.config] = std::move(value);
    else if (key.required)
      metadata.fail(named(key.gguf), "is missing");
  }

  // Which layers see a window: a number, as config.json may have it, or a truth value for each.
  void readWindowPattern() {
    auto pattern = values.find("sliding_window_pattern");
    if (pattern == values.end() || pattern->is_number())
      return;
    int64_t layers = std::clamp<int64_t>(metadata.integer(named("block_count")).value_or(0), 0, 1 << 12);
    json types = json::array(), given = *pattern;
    for (size_t i = 0; i < (given.is_array() ? given.size() : size_t(layers)); ++i)
      types.push_back((given.is_array() ? given[i] : given) == true ? "sliding_attention" : "full_attention");
    values.erase(pattern);
    values["layer_types"] = std::move(types);
  }

  void checkHeadDim() {
    auto keyLength = metadata.integer(named("attention.key_length"));
    auto valueLength = metadata.integer(named("attention.value_length"));
    auto width = metadata.integer(named("embedding_length")), heads = metadata.integer(named("attention.head_count"));
    auto turned = metadata.integer(named("rope.dimension_count"));
    if (metadata.error() || !width || !heads || *heads == 0)
      return; // the family says what is wrong with them
    int64_t headDim = keyLength.value_or(*width / *heads);
    if (valueLength.value_or(headDim) != headDim)
      metadata.fail(named("attention.value_length"),
                    fmt::format("is {}; expected {}, as the keys have", *valueLength, headDim));
    if (turned.value_or(headDim) != headDim && !values.contains("rotary_dim"))
      metadata.fail(named("rope.dimension_count"),
                    fmt::format("is {}; expected {}, the whole of a head", *turned, headDim));
  }

  void readRopeScaling() {
    std::string type(metadata.string(named("rope.scaling.type")));
    json factor = metadata.value(named("rope.scaling.factor"));
    json scaleLinear = metadata.value(named("rope.scale_linear")); // until GGUF had rope.scaling.type
    if (type.empty() && !scaleLinear.is_null()) {
      type = "linear";
      factor = scaleLinear;
    }
    if (findIn(file, ggufLongFactors))
      return readLongRope();
    const GgufTensor *factors = findIn(file, ggufRopeFactors);
    if (factors && !type.empty() && type != "none")
      metadata.fail(named("rope.scaling.type"), fmt::format("is {} beside the tensor {}; expected one of the two",
                                                            inQuotes(type), ggufRopeFactors));
    if (factors)
      values["rope_scaling"] = {{"rope_type", "factors"}, {"factors", factorList(ggufRopeFactors)}};
    if (factors || type.empty() || type == "none")
      return;
    if (type != "yarn" && type != "linear")
      metadata.fail(named("rope.scaling.type"), fmt::format("is {}; expected none, linear or yarn", inQuotes(type)));
    json &scaling = values["rope_scaling"] = {{"rope_type", type}, {"factor", factor}};
    if (type != "yarn")
      return;
    copyScaling("original_context_length", "original_max_position_embeddings");
    copyScaling("yarn_attn_factor", "attention_factor");
    copyScaling("yarn_beta_fast", "beta_fast");
    copyScaling("yarn_beta_slow", "beta_slow");
    // llama.cpp takes mscale for 1.
    copyScaling("yarn_log_multiplier", "mscale_all_dim");
    if (scaling.contains("mscale_all_dim"))
      scaling["mscale"] = 1;
    json extrapolation = metadata.value(named("rope.scaling.yarn_ext_factor"));
    if (!extrapolation.is_null() && extrapolation != 1)
      metadata.fail(named("rope.scaling.yarn_ext_factor"), fmt::format("is {}; expected 1", shown(extrapolation)));
  }

  void copyScaling(std::string_view key, const char *config) {
    json value = metadata.value(named(fmt::format("rope.scaling.{}", key)));
    if (!value.is_null())
      values["rope_scaling"][config] = std::move(value);
  }

  void readLongRope() {
    values["rope_scaling"] = {{"rope_type", "longrope"},
                              {"short_factor", factorList(ggufShortFactors)},
                              {"long_factor", factorList(ggufLongFactors)}};
    copyScaling("original_context_length", "original_max_position_embeddings");
    copyScaling("attn_factor", "attention_factor");
    takesAttentionFactor = true;
  }

  json factorList(std::string_view name) {
    json list = json::array();
    const GgufTensor *tensor = findIn(file, name);
    if (!tensor || tensor->dtype != DType::F32 || tensor->shape.size() != 1) {
      metadata.fail(name, tensor ? fmt::format("is of type {} with {} dimensions; expected one of F32",
                                               dtypeName(tensor->dtype), tensor->shape.size())
                                 : "is missing");
      return list;
    }
    for (int64_t i = 0; i < tensor->shape[0]; ++i) {
      float factor;
      std::memcpy(&factor, tensor->data + i * sizeof factor, sizeof factor);
      list.push_back(factor);
    }
    return list;
  }

  // What config.json says in words, GGUF says by the tensors that are there.
  void readTensors() {
    const GgufTensor *table = findIn(file, "token_embd.weight");
    const GgufValue *tokens = file.find("tokenizer.ggml.tokens");
    if (table && table->shape.size() == 2)
      values["vocab_size"] = table->shape.front();
    else if (tokens && tokens->isArray)
      values["vocab_size"] = tokens->count;
    else
      metadata.fail("token_embd.weight", "is missing or no matrix");
    values["tie_word_embeddings"] = findIn(file, "output.weight") == nullptr;
  }

  void readSpecialTokens() {
    if (auto bos = metadata.integer("tokenizer.ggml.bos_token_id"))
      values["bos_token_id"] = *bos;
    json ends = json::array();
    for (const char *key :
         {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"})
      if (auto id = metadata.integer(key); id && std::find(ends.begin(), ends.end(), *id) == ends.end())
        ends.push_back(*id);
    if (!ends.empty())
      values["eos_token_id"] = std::move(ends);
  }

  void judgeOtherKeys() {
    for (const auto &[key, value] : file.metadata) {
      std::string_view prefix = architecture.name;
      if (key.substr(0, prefix.size()) != prefix || key.substr(prefix.size(), 1) != ".")
        continue;
      std::string_view inner = key.substr(prefix.size() + 1);
      auto isInner = [&](const GgufKey &pair) { return pair.gguf == inner; };
      if (contains(otherKeys, inner) || (takesAttentionFactor && inner == "rope.scaling.attn_factor") ||
          std::any_of(std::begin(commonKeys), std::end(commonKeys), isInner) ||
          std::any_of(architecture.keys.begin(), architecture.keys.end(), isInner))
        continue;
      bool changes = contains(meaningKeys, inner);
      json off = changes ? metadata.value(key) : json();
      if (!changes)
        warnings.push_back(fmt::format("{}: {} is not known and ignored", file.name, inQuotes(key)));
      else if (inner == "attention.causal" ? off != true : off != 0 && off != false)
        metadata.fail(key, fmt::format("is {}; it changes what the model computes and is not supported", shown(off)));
    }
    std::sort(warnings.begin(), warnings.end()); // metadata has no order
  }

  const GgufFile &file;
  const GgufArchitecture &architecture;
  GgufMetadata metadata;
  std::vector<std::string> &warnings;
  json values;
  bool takesAttentionFactor = false; // of LongRoPE
};

} // namespace

bool GgufReading::hasBias(std::initializer_list<std::string_view> projections) const {
  return std::any_of(file.tensors.begin(), file.tensors.end(), [&](const GgufTensor &tensor) {
    std::string_view tensorName = tensor.name;
    size_t end = tensorName.rfind('.'), begin = end == tensorName.npos ? end : tensorName.rfind('.', end - 1);
    return begin != tensorName.npos && tensorName.substr(0, 4) == "blk." && tensorName.substr(end) == ".bias" &&
           contains(projections, tensorName.substr(begin + 1, end - begin - 1));
  });
}

const GgufTensor *GgufReading::findTensor(std::string_view name) const { return findIn(file, name); }

Expected<const GgufArchitecture *> findGgufArchitecture(const GgufFile &file) {
  GgufMetadata metadata(file);
  std::string name(metadata.string("general.architecture"));
  if (metadata.error())
    return tl::unexpected<Error>(*metadata.error());
  std::string known;
  for (const Family *family : families())
    for (const GgufArchitecture &architecture : family->ggufArchitectures) {
      if (architecture.name == name)
        return &architecture;
      known += (known.empty() ? "" : ", ") + std::string(architecture.name);
    }
  return makeError("{}: general.architecture is {}; known: {}", file.name, inQuotes(name), known);
}

Expected<ModelConfig> readGgufConfig(const GgufFile &file, const GgufArchitecture &architecture,
                                     std::vector<std::string> &warnings) {
  return DecoderMetadata(file, architecture, warnings).read();
}

namespace {

struct ModuleName {
  std::string_view gguf;
  std::string huggingFace;
};

// The modules of a layer: GGUF has one name for each place.
std::vector<ModuleName> layerNames(const DecoderModules &modules) {
  bool joinsQkv = modules.joinsQueryKeyValue(), hasGate = !modules.gate.empty() && !modules.joinsGateUp();
  return {{"attn_norm", modules.beforeAttention},
          {joinsQkv ? "attn_qkv" : "attn_q", modules.query},
          {joinsQkv ? "" : "attn_k", modules.key},
          {joinsQkv ? "" : "attn_v", modules.value},
          {"attn_q_norm", modules.queryNorm},
          {"attn_k_norm", modules.keyNorm},
          {"attn_output", modules.output},
          {"post_attention_norm", modules.afterAttention},
          {"ffn_norm", modules.beforeMlp},
          {hasGate ? "ffn_gate" : "", modules.gate},
          {"ffn_up", modules.up},
          {"ffn_down", modules.down},
          {"post_ffw_norm", modules.afterMlp}};
}

// Those of routed experts: the matrices of all of them are one tensor.
std::vector<ModuleName> expertNames(const ExpertModules &experts) {
  return {{"ffn_gate_inp", experts.router},
          {"ffn_gate_exps", ofAllExperts(experts.gate)},
          {"ffn_up_exps", ofAllExperts(experts.up)},
          {"ffn_down_exps", ofAllExperts(experts.down)},
          {"ffn_gate_inp_shexp", experts.sharedGate},
          {"ffn_gate_shexp", experts.shared + ".gate_proj"},
          {"ffn_up_shexp", experts.shared + ".up_proj"},
          {"ffn_down_shexp", experts.shared + ".down_proj"}};
}

// Empty: there is no such name.
std::string findName(const std::vector<ModuleName> &names, std::string_view name) {
  auto found = std::find_if(names.begin(), names.end(), [&](const ModuleName &pair) { return pair.gguf == name; });
  return found == names.end() ? std::string() : found->huggingFace;
}

} // namespace

std::string GgufArchitecture::huggingFaceName(std::string_view ggufName) const {
  size_t dot = ggufName.rfind('.');
  if (dot == ggufName.npos)
    return std::string(ggufName);
  std::string_view module = ggufName.substr(0, dot), kind = ggufName.substr(dot); // ".weight"
  std::string top = findName({{"token_embd", modules.embedding},
                              {"position_embd", modules.positions},
                              {"output_norm", modules.finalNorm},
                              {"output", modules.head}},
                             module);
  if (!top.empty())
    return top.append(kind);
  constexpr std::string_view block = "blk.";
  size_t end = module.find('.', block.size());
  if (module.substr(0, block.size()) != block || end == module.npos)
    return std::string(ggufName);
  std::string prefix = fmt::format("{}.{}.", modules.layers, module.substr(block.size(), end - block.size()));
  if (experts && ggufName.substr(end + 1) == "exp_probs_b.bias")
    return prefix + experts->router + ".e_score_correction_bias";
  std::string inLayer = findName(layerNames(modules), module.substr(end + 1));
  if (inLayer.empty() && experts)
    inLayer = findName(expertNames(*experts), module.substr(end + 1));
  return inLayer.empty() ? std::string(ggufName) : prefix + inLayer.append(kind);
}

} // namespace quipu::models
