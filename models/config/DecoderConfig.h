// What decoders of the Llama lineage have in common: the shape, and the small number of ways in which families differ
// from Llama. A family's configuration reads its keys into this; models/graph/DecoderGraph.h is the forward pass.
#pragma once

#include "models/Family.h"
#include "models/config/ConfigReader.h"
#include "models/config/ExpertsConfig.h"
#include "models/config/RopeConfig.h"

namespace quipu::models {

enum class Activation { Silu, GeluErf, GeluTanh, Relu, Relu2, Sigmoid };

// What is not in config.json has the value of transformers' configuration class of the architecture.
struct DecoderDefaults {
  std::optional<int64_t> kvHeads = {}; // of a key that is absent; null, or no value here, is as many as heads
  int64_t maxPosition = 2048;
  std::optional<int64_t> headDim = {}; // absent: hidden_size / num_attention_heads
  double ropeTheta = 10000;
  std::optional<double> partialRotary = {}; // none: the whole head turns, always
  double rmsNormEps = 1e-6;
  bool tieWordEmbeddings = false;
  const char *activation = "silu";
  const char *activationKey = "hidden_act";
  bool ropeInLayerKinds = false; // the family reads the RoPE of its kinds of layers itself
};

constexpr Range<int64_t> positionRange{1, 1 << 30};

// Attention of the layers of one kind.
struct AttentionKind {
  std::optional<int64_t> window = {};  // a query sees itself and the window - 1 positions before it
  std::optional<RopeConfig> rope = {}; // none: positions are not told apart
};

// Norms of q and k before their rotation.
enum class HeadNorm { None, EachHead, WholeProjection };

// The modules of a layer that are norms; empty: there is no norm in that place.
struct NormModules {
  std::string beforeAttention = "input_layernorm";
  std::string afterAttention = {};
  std::string beforeMlp = "post_attention_layernorm";
  std::string afterMlp = {};
};

// Queries are scaled by 1 + beta ln(1 + floor(position / length)).
struct QueryScale {
  double beta;
  int64_t length;
};

struct DecoderConfig {
  std::string family;       // "llama"
  std::string architecture; // "LlamaForCausalLM"
  int64_t vocabSize;
  int64_t hiddenSize;
  int64_t intermediateSize;
  int64_t layers;
  int64_t heads;
  int64_t kvHeads;     // divides heads
  int64_t headDim;     // even; heads * headDim need not be hiddenSize
  int64_t maxPosition; // tokens
  double rmsNormEps;
  Activation activation;  // of the gate, or of the MLP that has none
  bool tieWordEmbeddings; // logits are computed with the embedding table
  std::optional<int64_t> bosId;
  std::vector<int64_t> eosIds;
  std::vector<std::string> warnings;

  // Attention. Rows of q and k may lie so that RoPE turns 2i and 2i + 1 together, as in GGUF files of some
  // architectures and in some models; otherwise i and i + half of the dimensions that turn.
  bool ropeInterleaved = false;
  std::vector<AttentionKind> kinds; // at least one
  std::vector<size_t> kindOfLayer;  // index into kinds
  bool queryBias = false;           // on q, k and v
  bool outputBias = false;          // on o
  HeadNorm headNorm = HeadNorm::None;
  double attentionScale = 0; // 0: 1 / sqrt(headDim)
  std::optional<double> attentionSoftcap = {}, logitSoftcap = {};
  std::optional<QueryScale> queryScale = {};

  // Norms, MLP and what is multiplied by constants.
  NormModules norms;
  double gainOffset = 0;                     // gains are stored less this
  bool mlpBias = false;                      // on gate, up and down
  bool mlpGated = true;                      // otherwise down(activation(up(x)))
  std::optional<ExpertsConfig> experts = {}; // in place of the MLP of some layers
  double embeddingScale = 1, residualScale = 1, logitScale = 1;
  std::vector<std::string> ignoredTensors = {}; // beside those that no family needs, as ModelDescription has them

  DecoderConfig() = default;
  explicit DecoderConfig(const FamilyMatch &match)
      : family(match.family->name), architecture(match.architecture.className) {}

  // Reads the shape, one kind of attention for all layers, and the special tokens; errors are in `reader` and
  // `generation` (generation_config.json).
  void read(ConfigReader &reader, ConfigReader &generation, const DecoderDefaults &defaults);
  // The kind of each layer by `layer_types`, or where that is absent by `otherwise(layer)`: sliding or full.
  void readLayerTypes(ConfigReader &reader, const AttentionKind &full, const AttentionKind &sliding,
                      bool (*isSliding)(int64_t layer, int64_t pattern), int64_t pattern);
  // Ends the reading: the first error, or the warnings about keys nobody read.
  Expected<> finish(ConfigReader &reader, ConfigReader &generation);

  const AttentionKind &attentionOf(int64_t layer) const { return kinds[kindOfLayer[size_t(layer)]]; }
  double scoreScale() const;

  // Names and shapes of all weights, in the order of the forward pass.
  std::vector<TensorSpec> tensors() const;
  // What programs need to know.
  ModelDescription describe() const;

private:
  void addMlp(std::vector<TensorSpec> &specs, const std::string &layer) const;
};

// Family::describe of a family whose configuration `parse` reads.
template <auto parse> Expected<ModelDescription> describeDecoder(const ModelConfig &config) {
  auto decoder = parse(config);
  if (!decoder)
    return passError(std::move(decoder));
  return decoder->describe();
}

// The special tokens of both files, and warnings: for families that are no DecoderConfig.
void readSpecialTokens(ConfigReader &reader, ConfigReader &generation, int64_t vocabSize, std::optional<int64_t> &bosId,
                       std::vector<int64_t> &eosIds);
// The activation under a key, by transformers' names.
Activation readActivation(ConfigReader &reader, const std::string &key, const char *fallback);

// Adds `NAME.weight` [out, in] and, with a bias, `NAME.bias` [out].
void addLinear(std::vector<TensorSpec> &specs, const std::string &name, int64_t out, int64_t in, bool bias);

} // namespace quipu::models
