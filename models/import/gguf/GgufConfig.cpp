#include "models/import/gguf/GgufConfig.h"

#include "models/Family.h"
#include "models/config/JsonFile.h"

#include <algorithm>
#include <cstring>

namespace quipu::models {

using nlohmann::json;

namespace {

constexpr GgufName topNames[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};

constexpr GgufName layerNames[] = {
    {"attn_norm", "input_layernorm"},    {"ffn_norm", "post_attention_layernorm"},
    {"attn_q", "self_attn.q_proj"},      {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},      {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"}, {"attn_k_norm", "self_attn.k_norm"},
    {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};

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
};

// Values besides 0 and false make another model of it.
constexpr std::string_view meaningKeys[] = {
    "attention.causal", // false
    "attention.clamp_kqv",
    "attention.layer_norm_epsilon",
    "attention.max_alibi_bias",
    "attention.scale",
    "attention.sliding_window",
    "attention.temperature_scale",
    "attn_logit_softcapping",
    "embedding_scale",
    "expert_count",
    "expert_used_count",
    "final_logit_softcapping",
    "logit_scale",
    "residual_scale",
    "rope.scaling.attn_factor",
    "rope.scaling.yarn_attn_factor",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.yarn_ext_factor",
    "rope.scaling.yarn_log_multiplier",
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
    if (turned.value_or(headDim) != headDim)
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
    const GgufTensor *factors = findIn(file, ggufRopeFactors);
    if (factors && !type.empty() && type != "none")
      metadata.fail(named("rope.scaling.type"), fmt::format("is {} beside the tensor {}; expected one of the two",
                                                            inQuotes(type), ggufRopeFactors));
    if (factors)
      return readRopeFactors(*factors);
    if (type.empty() || type == "none")
      return;
    json scaling = {{"rope_type", type}, {"factor", factor}};
    json original = metadata.value(named("rope.scaling.original_context_length"));
    if (type == "yarn" && !original.is_null())
      scaling["original_max_position_embeddings"] = original;
    if (type != "yarn" && type != "linear")
      metadata.fail(named("rope.scaling.type"), fmt::format("is {}; expected none, linear or yarn", inQuotes(type)));
    values["rope_scaling"] = std::move(scaling);
  }

  void readRopeFactors(const GgufTensor &tensor) {
    if (tensor.dtype != DType::F32 || tensor.shape.size() != 1)
      return metadata.fail(ggufRopeFactors, fmt::format("is of type {} with {} dimensions; expected one of F32",
                                                        dtypeName(tensor.dtype), tensor.shape.size()));
    json list = json::array();
    for (int64_t i = 0; i < tensor.shape[0]; ++i) {
      float factor;
      std::memcpy(&factor, tensor.data + i * sizeof factor, sizeof factor);
      list.push_back(factor);
    }
    values["rope_scaling"] = {{"rope_type", "factors"}, {"factors", std::move(list)}};
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
      if (contains(otherKeys, inner) || std::any_of(std::begin(commonKeys), std::end(commonKeys), isInner) ||
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

std::string GgufArchitecture::huggingFaceName(std::string_view ggufName) const {
  size_t dot = ggufName.rfind('.');
  if (dot == ggufName.npos)
    return std::string(ggufName);
  std::string_view module = ggufName.substr(0, dot), kind = ggufName.substr(dot); // ".weight"
  for (const GgufName &pair : topNames)
    if (pair.gguf == module)
      return std::string(pair.huggingFace).append(kind);
  constexpr std::string_view block = "blk.";
  size_t end = module.find('.', block.size());
  if (module.substr(0, block.size()) != block || end == module.npos)
    return std::string(ggufName);
  std::string_view layer = module.substr(0, end), inner = ggufName.substr(end + 1);
  for (const GgufName &pair : names)
    if (pair.gguf == inner)
      return fmt::format("model.layers.{}.{}", layer.substr(block.size()), pair.huggingFace);
  auto named = [&](const GgufName &pair) { return pair.gguf == module.substr(end + 1); };
  auto own = std::find_if(names.begin(), names.end(), named);
  const auto *common = std::find_if(std::begin(layerNames), std::end(layerNames), named);
  if (own == names.end() && common == std::end(layerNames))
    return std::string(ggufName);
  std::string_view huggingFace = own != names.end() ? own->huggingFace : common->huggingFace;
  return fmt::format("model.layers.{}.{}{}", module.substr(block.size(), end - block.size()), huggingFace, kind);
}

} // namespace quipu::models
