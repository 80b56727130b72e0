#include "models/config/DecoderConfig.h"

#include "models/config/JsonFile.h"
#include "models/config/ModelConfig.h"

#include <cmath>

namespace quipu::models {

namespace {

// Wide enough for any model to come, narrow enough that no product of two of them overflows.
constexpr Range<int64_t> vocabRange{1, 1 << 24};
constexpr Range<int64_t> widthRange{1, 1 << 20};
constexpr Range<int64_t> intermediateRange{1, 1 << 24};
constexpr Range<int64_t> layersRange{1, 1 << 12};
constexpr Range<int64_t> headDimRange{2, 1 << 12};

int64_t readSize(ConfigReader &reader, const char *key, std::optional<int64_t> fallback, Range<int64_t> range) {
  return fallback ? reader.integerOr(key, *fallback, range) : reader.integer(key, range);
}

void readHeads(DecoderConfig &decoder, ConfigReader &reader, const DecoderDefaults &defaults) {
  decoder.heads = readSize(reader, "num_attention_heads", defaults.heads, widthRange);
  bool isNull = reader.isNull("num_key_value_heads");
  int64_t kvDefault = isNull ? decoder.heads : defaults.kvHeads.value_or(decoder.heads);
  decoder.kvHeads = reader.integerOr("num_key_value_heads", kvDefault, widthRange);
  if (decoder.heads % decoder.kvHeads != 0)
    reader.fail("num_key_value_heads", fmt::format("is {}; expected a divisor of num_attention_heads, which is {}",
                                                   decoder.kvHeads, decoder.heads));

  std::optional<int64_t> headDim = reader.optionalInteger("head_dim", headDimRange);
  if (!headDim && !reader.isNull("head_dim"))
    headDim = defaults.headDim;
  if (!headDim && decoder.hiddenSize % decoder.heads != 0)
    reader.fail("hidden_size",
                fmt::format("is {}; expected a multiple of num_attention_heads, which is {}, or head_dim",
                            decoder.hiddenSize, decoder.heads));
  decoder.headDim = headDim.value_or(decoder.hiddenSize / decoder.heads);
  if (decoder.headDim % 2 != 0 || decoder.headDim < headDimRange.min || decoder.headDim > headDimRange.max)
    reader.fail("head_dim",
                fmt::format("is {}{}; expected an even number, {} to {}", decoder.headDim,
                            headDim ? "" : " (hidden_size / num_attention_heads)", headDimRange.min, headDimRange.max));
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

Activation readActivation(ConfigReader &reader, const std::string &key, const char *fallback) {
  std::string name = reader.stringOr(key, fallback);
  if (name == "silu" || name == "swish")
    return Activation::Silu;
  if (name == "gelu" || name == "gelu_python")
    return Activation::GeluErf;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_python_tanh" || name == "gelu_fast" ||
      name == "gelu_accurate")
    return Activation::GeluTanh;
  if (name == "relu")
    return Activation::Relu;
  if (name == "relu2")
    return Activation::Relu2;
  reader.fail(key,
              fmt::format("is {}; expected silu, gelu, gelu_new, gelu_pytorch_tanh, relu or relu2", inQuotes(name)));
  return Activation::Silu;
}

void DecoderConfig::read(ConfigReader &reader, const DecoderDefaults &defaults) {
  vocabSize = readSize(reader, "vocab_size", defaults.vocabSize, vocabRange);
  hiddenSize = readSize(reader, "hidden_size", defaults.hiddenSize, widthRange);
  std::optional<int64_t> intermediate = defaults.intermediateOfHidden;
  if (intermediate)
    *intermediate *= hiddenSize;
  intermediateSize = readSize(reader, "intermediate_size", intermediate, intermediateRange);
  layers = readSize(reader, "num_hidden_layers", defaults.layers, layersRange);
  readHeads(*this, reader, defaults);
  maxPosition = reader.integerOr("max_position_embeddings", defaults.maxPosition, positionRange);
  normEps = reader.numberOr("rms_norm_eps", defaults.normEps, {1e-12, 1});
  activation = readActivation(reader, "hidden_act", defaults.activation);
  tieWordEmbeddings = reader.booleanOr("tie_word_embeddings", defaults.tieWordEmbeddings);
  ropeInterleaved = reader.booleanOr("rope_interleaved", ropeInterleaved);
  kinds = {{}};
  kindOfLayer.assign(size_t(layers), 0);
  if (!reader.failed() && !defaults.readsRope)
    kinds[0].rope = readRope(reader, defaults.ropeTheta, defaults.partialRotary);
}

RopeConfig DecoderConfig::readRope(ConfigReader &reader, double theta, std::optional<double> partial,
                                   const std::string &layerKind) const {
  return models::readRope(reader, {headDim, maxPosition, context ? context : maxPosition, theta, partial, layerKind});
}

bool allButLast(int64_t layer, int64_t pattern) { return (layer + 1) % pattern != 0; }

void DecoderConfig::readLayerTypes(ConfigReader &reader, const AttentionKind &full, const AttentionKind &sliding,
                                   bool (*isSliding)(int64_t layer, int64_t pattern), int64_t pattern) {
  kinds = {full, sliding};
  std::vector<std::string> types = reader.strings("layer_types");
  if (!types.empty() && int64_t(types.size()) != layers)
    return reader.fail("layer_types", fmt::format("has {} entries; expected {}, one a layer", types.size(), layers));
  for (int64_t layer = 0; layer < layers; ++layer) {
    if (types.empty()) {
      kindOfLayer[size_t(layer)] = isSliding(layer, pattern);
      continue;
    }
    const std::string &type = types[size_t(layer)];
    if (type != "full_attention" && type != "sliding_attention")
      return reader.fail("layer_types",
                         fmt::format("has {}; expected full_attention or sliding_attention", inQuotes(type)));
    kindOfLayer[size_t(layer)] = type == "sliding_attention";
  }
}

double DecoderConfig::scoreScale(const AttentionKind &kind) const {
  return kind.scale.value_or(1 / std::sqrt(static_cast<double>(headDim)));
}

Expected<DecoderConfig> parseDecoder(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return passError(std::move(match));
  DecoderConfig decoder(*match);
  decoder.context = config.context;
  ConfigReader reader(config.values, config.path), generation(config.generation, config.generationPath);
  match->family->readDecoder(decoder, reader);
  readSpecialTokens(decoder, reader, generation);
  if (auto finished = reader.finish(decoder.warnings); !finished)
    return passError(std::move(finished));
  if (const auto &failure = generation.error()) // its other keys steer sampling and are the user's to set
    return tl::unexpected<Error>(*failure);
  return decoder;
}

std::set<std::string> keysOf(const ModelConfig &config) {
  auto match = findFamily(config);
  if (!match)
    return {};
  DecoderConfig decoder(*match);
  ConfigReader reader(config.values, config.path), generation(config.generation, config.generationPath);
  match->family->readDecoder(decoder, reader);
  readSpecialTokens(decoder, reader, generation);
  return reader.keysRead();
}

Expected<ModelDescription> describeDecoder(const ModelConfig &config) {
  auto decoder = parseDecoder(config);
  if (!decoder)
    return passError(std::move(decoder));
  return decoder->describe();
}

} // namespace quipu::models
