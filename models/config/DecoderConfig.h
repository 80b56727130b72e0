// What decoders have in common: the shape, and the small number of ways in which families differ from Llama. A family
// reads its keys into this; models/graph/DecoderGraph.h is the forward pass.
#pragma once

#include "models/Family.h"
#include "models/config/ConfigReader.h"
#include "models/config/DecoderModules.h"
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
  double normEps = 1e-6;
  bool tieWordEmbeddings = false;
  const char *activation = "silu";
  bool readsRope = false; // the family reads the RoPE of its kinds of layers itself
  // No value here: the key has to be there.
  std::optional<int64_t> vocabSize = {}, hiddenSize = {}, layers = {}, heads = {};
  std::optional<int64_t> intermediateOfHidden = {}; // intermediate_size, as a multiple of hidden_size
};

constexpr Range<int64_t> positionRange{1, 1 << 30};

// Attention of the layers of one kind.
struct AttentionKind {
  std::optional<int64_t> window = {};  // a query sees itself and the window - 1 positions before it
  std::optional<RopeConfig> rope = {}; // none: q and k are not rotated
  std::optional<double> scale = {};    // of the scores; none: 1 / sqrt(headDim)
};

// Norms of q and k before their rotation: of each head with one gain for all, of each head with a gain of its own (the
// modules NAME.0, NAME.1 and so on, without bias), or of the whole projection.
enum class HeadNorm { None, EachHead, EachHeadApart, WholeProjection };

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
  int64_t kvHeads;        // divides heads
  int64_t headDim;        // even; heads * headDim need not be hiddenSize
  int64_t maxPosition;    // tokens
  int64_t context = 0;    // the longest that is to be run, where it is known; 0: maxPosition
  Activation activation;  // of the gate, or of the MLP that has none
  bool tieWordEmbeddings; // logits are computed with the embedding table
  std::optional<int64_t> bosId;
  std::vector<int64_t> eosIds;
  std::vector<std::string> warnings;

  DecoderModules modules;
  // Endings of names, and beginnings that end in a dot, of tensors that published checkpoints have besides: buffers
  // that old versions of transformers saved, layers that are not run.
  std::vector<std::string> ignoredTensors = {".rotary_emb.inv_freq"};

  // Attention. Rows of q and k may lie so that RoPE turns 2i and 2i + 1 together, as in GGUF files of some
  // architectures and in some models; otherwise i and i + half of the dimensions that turn.
  bool ropeInterleaved = false;
  bool queryKeyValueByHead = false; // rows of a joined q, k and v: those of one head after those of another
  std::vector<AttentionKind> kinds; // at least one
  std::vector<size_t> kindOfLayer;  // index into kinds
  bool queryBias = false;           // on q, k and v
  bool outputBias = false;          // on o
  HeadNorm headNorm = HeadNorm::None;
  std::optional<double> attentionSoftcap = {}, logitSoftcap = {};
  std::optional<QueryScale> queryScale = {};

  // Norms, MLP and what is multiplied by constants.
  double normEps;
  bool layerNorms = false; // mean subtracted; otherwise RMS norms
  bool normBias = false;   // of layer norms
  double gainOffset = 0;   // gains are stored less this
  bool parallel = false;   // attention and MLP both read the layer's input, and both are added to it
  bool mlpBias = false;    // on gate, up and down
  bool headBias = false;   // on the logits
  bool transposedLinears = false;
  std::optional<ExpertsConfig> experts = {}; // in place of the MLP of some layers
  double embeddingScale = 1, residualScale = 1, logitScale = 1;

  DecoderConfig() = default;
  explicit DecoderConfig(const FamilyMatch &match)
      : family(match.family->name), architecture(match.architecture.className) {}

  // Reads the shape and one kind of attention for all layers; errors are in `reader`.
  void read(ConfigReader &reader, const DecoderDefaults &defaults);
  // The RoPE of one kind of layer, by the defaults of the family.
  RopeConfig readRope(ConfigReader &reader, double theta, std::optional<double> partial = {},
                      const std::string &layerKind = {}) const;
  // The kind of each layer by `layer_types`, or where that is absent by `isSliding(layer, pattern)`.
  void readLayerTypes(ConfigReader &reader, const AttentionKind &full, const AttentionKind &sliding,
                      bool (*isSliding)(int64_t layer, int64_t pattern), int64_t pattern);

  bool hasExperts(int64_t layer) const { return experts && experts->isIn(layer); }
  bool isGated() const { return !modules.gate.empty(); }
  const AttentionKind &attentionOf(int64_t layer) const { return kinds[kindOfLayer[size_t(layer)]]; }
  double scoreScale(const AttentionKind &kind) const;

  // The linear modules of every layer, and the last of all.
  LinearModule query() const;
  LinearModule key() const;
  LinearModule value() const;
  LinearModule output() const;
  LinearModule gate() const;
  LinearModule up() const;
  LinearModule down() const;
  LinearModule head() const;

  // Names and shapes of all weights, in the order of the forward pass.
  std::vector<TensorSpec> tensors() const;
  // What programs need to know.
  ModelDescription describe() const;
};

// The last layer of each `pattern` sees everything, the others a window: how most families mix them.
bool allButLast(int64_t layer, int64_t pattern);

// The configuration of a decoder, read by its family's readDecoder; then the special tokens, and the first error or the
// warnings about keys nobody read.
Expected<DecoderConfig> parseDecoder(const ModelConfig &config);
// The keys of config.json that the family of a configuration reads.
std::set<std::string> keysOf(const ModelConfig &config);
// Family::describe of a family that has a readDecoder.
Expected<ModelDescription> describeDecoder(const ModelConfig &config);

// The activation under a key, by transformers' names.
Activation readActivation(ConfigReader &reader, const std::string &key, const char *fallback);

} // namespace quipu::models
