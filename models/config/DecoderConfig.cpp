#include "models/config/DecoderConfig.h"

#include "models/config/JsonFile.h"

namespace quipu::models {

namespace {

// Wide enough for any model to come, narrow enough that no product of two of them overflows.
constexpr Range<int64_t> vocabRange{1, 1 << 24};
constexpr Range<int64_t> widthRange{1, 1 << 20};
constexpr Range<int64_t> intermediateRange{1, 1 << 24};
constexpr Range<int64_t> layersRange{1, 1 << 12};
constexpr Range<int64_t> headDimRange{2, 1 << 12};

void readShape(DecoderConfig &decoder, ConfigReader &reader, const DecoderDefaults &defaults) {
  decoder.vocabSize = reader.integer("vocab_size", vocabRange);
  decoder.hiddenSize = reader.integer("hidden_size", widthRange);
  decoder.intermediateSize = reader.integer("intermediate_size", intermediateRange);
  decoder.layers = reader.integer("num_hidden_layers", layersRange);
  decoder.heads = reader.integer("num_attention_heads", widthRange);
  bool isNull = reader.isNull("num_key_value_heads");
  int64_t kvDefault = isNull ? decoder.heads : defaults.kvHeads.value_or(decoder.heads);
  decoder.kvHeads = reader.integerOr("num_key_value_heads", kvDefault, widthRange);
  if (decoder.heads % decoder.kvHeads != 0)
    reader.fail("num_key_value_heads", fmt::format("is {}; expected a divisor of num_attention_heads, which is {}",
                                                   decoder.kvHeads, decoder.heads));

  std::optional<int64_t> headDim = reader.optionalInteger("head_dim", headDimRange);
  if (!headDim && decoder.hiddenSize % decoder.heads != 0)
    reader.fail("hidden_size",
                fmt::format("is {}; expected a multiple of num_attention_heads, which is {}, or head_dim",
                            decoder.hiddenSize, decoder.heads));
  decoder.headDim = headDim.value_or(decoder.hiddenSize / decoder.heads);
  if (decoder.headDim % 2 != 0 || decoder.headDim < headDimRange.min || decoder.headDim > headDimRange.max)
    reader.fail("head_dim",
                fmt::format("is {}{}; expected an even number, {} to {}", decoder.headDim,
                            headDim ? "" : " (hidden_size / num_attention_heads)", headDimRange.min, headDimRange.max));
  decoder.maxPosition = reader.integerOr("max_position_embeddings", defaults.maxPosition, positionRange);
}

Activation readActivation(ConfigReader &reader) {
  std::string name = reader.stringOr("hidden_act", "silu");
  if (name == "silu" || name == "swish")
    return Activation::Silu;
  if (name == "gelu" || name == "gelu_python")
    return Activation::GeluErf;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_python_tanh" || name == "gelu_fast" ||
      name == "gelu_accurate")
    return Activation::GeluTanh;
  if (name == "relu")
    return Activation::Relu;
  reader.fail("hidden_act",
              fmt::format("is {}; expected silu, gelu, gelu_new, gelu_pytorch_tanh or relu", inQuotes(name)));
  return Activation::Silu;
}

// generation_config.json decides how text is made; config.json stands in for keys it does not have.
void readSpecialTokens(DecoderConfig &decoder, ConfigReader &reader, ConfigReader &generation) {
  Range<int64_t> ids{0, decoder.vocabSize - 1};
  ConfigReader &bosSource = generation.has("bos_token_id") ? generation : reader;
  decoder.bosId = bosSource.optionalInteger("bos_token_id", ids);
  ConfigReader &eosSource = generation.has("eos_token_id") ? generation : reader;
  decoder.eosIds = eosSource.integers("eos_token_id", ids);
}

} // namespace

void DecoderConfig::read(ConfigReader &reader, ConfigReader &generation, const DecoderDefaults &defaults) {
  readShape(*this, reader, defaults);
  rmsNormEps = reader.numberOr("rms_norm_eps", 1e-6, {1e-12, 1});
  activation = readActivation(reader);
  tieWordEmbeddings = reader.booleanOr("tie_word_embeddings", false);
  if (!reader.failed())
    rope = readRope(reader, headDim, maxPosition);
  readSpecialTokens(*this, reader, generation);
}

Expected<> DecoderConfig::finish(ConfigReader &reader, ConfigReader &generation) {
  if (auto finished = reader.finish(warnings); !finished)
    return finished;
  if (const auto &failure = generation.error()) // its other keys steer sampling and are the user's to set
    return tl::unexpected<Error>(*failure);
  return {};
}

ModelDescription DecoderConfig::describe(std::string_view family, std::vector<TensorSpec> tensors) const {
  ModelDescription description;
  description.family = family;
  description.architecture = architecture;
  description.vocabSize = vocabSize;
  description.maxPosition = maxPosition;
  description.bosId = bosId;
  description.eosIds = eosIds;
  description.tensors = std::move(tensors);
  description.ignoredTensors = {".rotary_emb.inv_freq"}; // saved by old versions of transformers; computed here
  if (tieWordEmbeddings)
    description.ignoredTensors.push_back("lm_head.weight");
  description.warnings = warnings;
  return description;
}

void addLinear(std::vector<TensorSpec> &specs, const std::string &name, int64_t out, int64_t in, bool bias) {
  specs.push_back({name + ".weight", {out, in}, TensorRole::Matrix});
  if (bias)
    specs.push_back({name + ".bias", {out}, TensorRole::Bias});
}

} // namespace quipu::models
