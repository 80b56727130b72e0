#include "models/config/DecoderConfig.h"

namespace quipu::models {

namespace {

class TensorList {
public:
  explicit TensorList(const DecoderConfig &decoder) : decoder(decoder) {}

  void add(const std::string &name, std::vector<int64_t> shape, TensorRole role) {
    specs.push_back({name, std::move(shape), role});
  }

  void linear(const std::string &prefix, const LinearModule &module) {
    std::string name = prefix + module.name;
    int64_t out = module.rows ? module.rows->of : module.out;
    if (isThere(name + ".weight"))
      return; // another part of a joined matrix
    add(name + ".weight", module.transposed ? std::vector{module.in, out} : std::vector{out, module.in},
        TensorRole::Matrix);
    if (module.bias)
      add(name + ".bias", {out}, TensorRole::Bias);
  }

  void norm(const std::string &prefix, const std::string &module, int64_t size) {
    if (module.empty())
      return;
    add(prefix + module + ".weight", {size}, TensorRole::Norm);
    if (decoder.normBias)
      add(prefix + module + ".bias", {size}, TensorRole::Bias);
  }

  void headNorm(const std::string &prefix, const std::string &module, int64_t heads) {
    if (decoder.headNorm == HeadNorm::EachHead)
      norm(prefix, module, decoder.headDim);
    else if (decoder.headNorm == HeadNorm::WholeProjection)
      norm(prefix, module, heads * decoder.headDim);
    else if (decoder.headNorm == HeadNorm::EachHeadApart)
      for (int64_t head = 0; head < heads; ++head)
        add(fmt::format("{}{}.{}.weight", prefix, module, head), {decoder.headDim}, TensorRole::Norm);
  }

  void mlp(const std::string &prefix) {
    if (decoder.isGated())
      linear(prefix, decoder.gate());
    linear(prefix, decoder.up());
    linear(prefix, decoder.down());
  }

  void layer(int64_t index) {
    const DecoderModules &modules = decoder.modules;
    std::string prefix = modules.layerPrefix(index);
    norm(prefix, modules.beforeAttention, decoder.hiddenSize);
    linear(prefix, decoder.query());
    linear(prefix, decoder.key());
    linear(prefix, decoder.value());
    headNorm(prefix, modules.queryNorm, decoder.heads);
    headNorm(prefix, modules.keyNorm, decoder.kvHeads);
    linear(prefix, decoder.output());
    norm(prefix, modules.afterAttention, decoder.hiddenSize);
    norm(prefix, modules.beforeMlp, decoder.hiddenSize);
    if (decoder.hasExperts(index))
      decoder.experts->addTensors(specs, prefix, decoder.hiddenSize);
    else
      mlp(prefix);
    norm(prefix, modules.afterMlp, decoder.hiddenSize);
  }

  std::vector<TensorSpec> take() { return std::move(specs); }

private:
  // Parts of a joined matrix come one right after the other.
  bool isThere(const std::string &name) const {
    for (size_t i = specs.size() < 2 ? 0 : specs.size() - 2; i < specs.size(); ++i)
      if (specs[i].name == name)
        return true;
    return false;
  }

  const DecoderConfig &decoder;
  std::vector<TensorSpec> specs;
};

} // namespace

// q, k and v of a joined matrix: all rows of q, then of k, then of v, or so for each head apart.
static LinearModule queryKeyValue(const DecoderConfig &decoder, const std::string &name, int64_t firstHead,
                                  int64_t heads, int64_t part) {
  int64_t dim = decoder.headDim, rows = (decoder.heads + 2 * decoder.kvHeads) * dim;
  LinearModule module{name, heads * dim, decoder.hiddenSize, decoder.queryBias};
  if (decoder.modules.joinsQueryKeyValue())
    module.rows = decoder.queryKeyValueByHead ? RowRuns{part * dim, dim, 3 * dim, heads, rows}
                                              : RowRuns{firstHead * dim, heads * dim, heads * dim, 1, rows};
  module.transposed = decoder.transposedLinears;
  return module;
}

LinearModule DecoderConfig::query() const { return queryKeyValue(*this, modules.query, 0, heads, 0); }
LinearModule DecoderConfig::key() const { return queryKeyValue(*this, modules.key, heads, kvHeads, 1); }
LinearModule DecoderConfig::value() const { return queryKeyValue(*this, modules.value, heads + kvHeads, kvHeads, 2); }

LinearModule DecoderConfig::output() const {
  return {modules.output, hiddenSize, heads * headDim, outputBias, {}, transposedLinears};
}

LinearModule DecoderConfig::gate() const {
  LinearModule module{modules.gate, intermediateSize, hiddenSize, mlpBias, {}, transposedLinears};
  if (modules.joinsGateUp())
    module.rows = {0, intermediateSize, intermediateSize, 1, 2 * intermediateSize};
  return module;
}

LinearModule DecoderConfig::up() const {
  LinearModule module{modules.up, intermediateSize, hiddenSize, mlpBias, {}, transposedLinears};
  if (modules.joinsGateUp())
    module.rows = {intermediateSize, intermediateSize, intermediateSize, 1, 2 * intermediateSize};
  return module;
}

LinearModule DecoderConfig::down() const {
  return {modules.down, hiddenSize, intermediateSize, mlpBias, {}, transposedLinears};
}

LinearModule DecoderConfig::head() const {
  return {tieWordEmbeddings ? modules.embedding : modules.head, vocabSize, hiddenSize, headBias};
}

std::vector<TensorSpec> DecoderConfig::tensors() const {
  TensorList list(*this);
  list.add(modules.embedding + ".weight", {vocabSize, hiddenSize}, TensorRole::Embedding);
  if (!modules.positions.empty())
    list.add(modules.positions + ".weight", {maxPosition, hiddenSize}, TensorRole::Embedding);
  for (int64_t i = 0; i < layers; ++i)
    list.layer(i);
  list.norm("", modules.finalNorm, hiddenSize);
  if (!tieWordEmbeddings)
    list.linear("", head());
  return list.take();
}

ModelDescription DecoderConfig::describe() const {
  ModelDescription description;
  description.family = family;
  description.architecture = architecture;
  description.vocabSize = vocabSize;
  description.maxPosition = maxPosition;
  description.bosId = bosId;
  description.eosIds = eosIds;
  description.tensors = tensors();
  description.ignoredTensors = ignoredTensors;
  if (tieWordEmbeddings)
    description.ignoredTensors.push_back(modules.head + ".weight");
  description.warnings = warnings;
  return description;
}

} // namespace quipu::models
