// attention, rope, kv_append and rope_append against compiler/Reference, over ragged batches with pages in disorder.
#include "compiler/Reference/Ops.h"
#include "runtime/Artifact/KvLayout.h"
#include "test/Conformance/SharedRows.h"

#include <cmath>

namespace quipu::conformance {
namespace {

constexpr int64_t pageSize = 16;

// A step: per sequence, the positions it holds already and the tokens this step adds.
struct Ragged {
  std::vector<std::pair<int64_t, int64_t>> sequences;
};
const std::vector<Ragged> batches = {
    {{{0, 1}}},                                       // the first token of all
    {{{37, 1}}},                                      // decode
    {{{0, 33}}},                                      // a prompt, tiles and tokens left over
    {{{100, 1}, {10, 21}, {0, 5}, {15, 1}, {16, 1}}}, // decodes and prompts mixed, at page borders
    {{{150, 9}}},                                     // a later chunk of a prompt: several blocks of positions
    {{{3, 1}, {70, 1}, {0, 1}, {31, 1}, {32, 1}, {90, 2}, {15, 1}}},                      // a batch of decodes
    {{{20, 130}}},                                                                        // several tiles of one prompt
    {{{1200, 1}, {700, 1}}},                                                              // longContexts
    {{{2100, 1}, {3, 1}, {17, 1}, {0, 1}, {600, 1}, {5, 2}, {1, 1}, {40, 1}, {2100, 1}}}, // longAmongMany
    {{{5300, 1}}},                                                                        // longAlone
};

struct CacheShape {
  int64_t heads, kvHeads, dim;
  ElementType element;
  std::string layoutName;

  fb::DType dtype() const {
    return element == ElementType::F32    ? fb::DType::f32
           : element == ElementType::BF16 ? fb::DType::bf16
           : element == ElementType::F16  ? fb::DType::f16
                                          : fb::DType::i8;
  }
  KvLayout layout() const { return *findKvLayout(layoutName, dtype(), pageSize, uint64_t(dim)); }
  // Elements of a (page, head) with the padding.
  int64_t keyWidth() const { return int64_t(layout().keyElements()); }
  int64_t valueWidth() const { return int64_t(layout().valueWidth); }
  int64_t headElements() const { return pageSize * (keyWidth() + valueWidth()); }
};

// The batch as the kernels get it, and as the reference does. Pages are dealt to the sequences in turn, from the last.
struct Step {
  reference::Batch batch;
  std::vector<int32_t> slots, contextLens, pageTable;
  int64_t tokens = 0, stride = 0, pages = 0;

  explicit Step(const Ragged &ragged) {
    batch.seqStarts = {0};
    for (auto [held, added] : ragged.sequences) {
      stride = std::max(stride, (held + added + pageSize - 1) / pageSize);
      batch.sequences.push_back(int32_t(batch.sequences.size()));
      for (int64_t i = 0; i < added; ++i)
        batch.positions.push_back(int32_t(held + i));
      batch.seqStarts.push_back(int32_t(batch.positions.size()));
      contextLens.push_back(int32_t(held + added));
    }
    tokens = int64_t(batch.positions.size());
    pages = stride * int64_t(ragged.sequences.size());
    for (size_t s = 0; s < ragged.sequences.size(); ++s)
      for (int64_t i = 0; i < stride; ++i)
        pageTable.push_back(int32_t(pages - 1 - (i * int64_t(ragged.sequences.size()) + int64_t(s))));
    for (size_t s = 0; s < ragged.sequences.size(); ++s)
      for (int32_t t = batch.seqStarts[s]; t < batch.seqStarts[s + 1]; ++t)
        slots.push_back(slot(s, batch.positions[t]));
  }
  int32_t slot(size_t sequence, int64_t position) const {
    return int32_t(pageTable[sequence * stride + position / pageSize] * pageSize + position % pageSize);
  }
};

reference::Tensor randomTensor(int64_t rows, int64_t cols, uint32_t seed) {
  reference::Tensor tensor(rows, cols);
  std::vector<float> values = randomValues(size_t(rows * cols), seed);
  tensor.data.assign(values.begin(), values.end());
  return tensor;
}

Operand floats(const reference::Tensor &tensor) {
  return Operand::of(std::vector<float>(tensor.data.begin(), tensor.data.end()));
}

// The reference's cache in pages: [page][head], keys [pageSize][keyWidth], then values [pageSize][valueWidth]. What no
// sequence holds is `unheld`.
std::vector<double> pagedCache(const CacheShape &shape, const Step &step, const reference::Cache &cache,
                               double unheld = 0) {
  std::vector<double> out(size_t(step.pages * shape.kvHeads * shape.headElements()), unheld);
  for (size_t s = 0; s < cache.keys.size(); ++s)
    for (int64_t p = 0; p < cache.keys[s].rows; ++p)
      for (int64_t head = 0; head < shape.kvHeads; ++head) {
        int64_t slot = step.slot(s, p), offset = slot % pageSize;
        double *block = out.data() + (slot / pageSize * shape.kvHeads + head) * shape.headElements();
        double *key = block + offset * shape.keyWidth();
        double *value = block + pageSize * shape.keyWidth() + offset * shape.valueWidth();
        std::fill_n(key, shape.keyWidth(), 0.0);
        std::fill_n(value, shape.valueWidth(), 0.0);
        std::copy_n(cache.keys[s].row(p) + head * shape.dim, shape.dim, key);
        std::copy_n(cache.values[s].row(p) + head * shape.dim, shape.dim, value);
      }
  return out;
}

// Where element `index` of such a cache lies in the kernels' one, and where its scale.
struct CachePlace {
  size_t element, scale;
  bool startsRow; // of a position's key or value
  int64_t width;
};

CachePlace placeOf(const CacheShape &shape, size_t index) {
  KvLayout layout = shape.layout();
  auto block = int64_t(index) / shape.headElements(), at = int64_t(index) % shape.headElements();
  size_t base = size_t(block) * layout.blockBytes();
  int64_t keys = pageSize * shape.keyWidth();
  bool isKey = at < keys;
  int64_t width = isKey ? shape.keyWidth() : shape.valueWidth();
  auto offset = uint64_t((isKey ? at : at - keys) / width), i = uint64_t((isKey ? at : at - keys) % width);
  return {base + (isKey ? layout.key(offset, i) : layout.value(offset, i)),
          base + (isKey ? layout.keyScale(offset) : layout.valueScale(offset)), i == 0, width};
}

double cacheElement(const CacheShape &shape, const std::vector<uint8_t> &bytes, size_t index) {
  CachePlace place = placeOf(shape, index);
  const uint8_t *at = bytes.data() + place.element;
  float wide;
  _Float16 half;
  uint16_t bits;
  switch (shape.element) {
  case ElementType::F32:
    std::memcpy(&wide, at, 4);
    return wide;
  case ElementType::F16:
    std::memcpy(&half, at, 2);
    return double(half);
  case ElementType::BF16:
    std::memcpy(&bits, at, 2);
    return fromBf16(bits);
  default:
    std::memcpy(&wide, bytes.data() + place.scale, 4);
    return double(int8_t(*at)) * wide;
  }
}

// Rows that i8 is to store hold multiples of a scale already.
Operand cacheOperand(const CacheShape &shape, const std::vector<double> &values) {
  Operand operand;
  operand.bytes.resize(values.size() / size_t(shape.headElements()) * shape.layout().blockBytes());
  float scale = 0;
  for (size_t index = 0; index < values.size(); ++index) {
    CachePlace place = placeOf(shape, index);
    if (shape.element != ElementType::I8) {
      Operand element = stored({float(values[index])}, shape.element);
      std::memcpy(operand.bytes.data() + place.element, element.bytes.data(), element.bytes.size());
      continue;
    }
    if (place.startsRow) {
      double largest = 0;
      for (int64_t i = 0; i < place.width; ++i)
        largest = std::max(largest, std::abs(values[index + size_t(i)]));
      scale = float(largest / 127);
      std::memcpy(operand.bytes.data() + place.scale, &scale, 4);
    }
    operand.bytes[place.element] = uint8_t(int8_t(scale == 0 ? 0 : std::nearbyint(values[index] / scale)));
  }
  return operand;
}

// A cache that holds, for each sequence, the positions before this step (or, with `through`, this step's as well).
reference::Cache filledCache(const CacheShape &shape, const Ragged &ragged, bool through) {
  reference::Cache cache;
  for (size_t s = 0; s < ragged.sequences.size(); ++s) {
    auto [held, added] = ragged.sequences[s];
    int64_t rows = held + (through ? added : 0);
    reference::Batch batch;
    batch.seqStarts = {0, int32_t(rows)};
    batch.sequences = {int32_t(s)};
    for (int64_t p = 0; p < rows; ++p)
      batch.positions.push_back(int32_t(p));
    reference::kvAppend(cache, randomTensor(rows, shape.kvHeads * shape.dim, uint32_t(100 + s)),
                        randomTensor(rows, shape.kvHeads * shape.dim, uint32_t(200 + s)), batch, shape.dtype(),
                        shape.dim);
  }
  return cache;
}

reference::Rope ropeOf(int64_t dim, int64_t rotated, bool interleaved) {
  reference::Rope rope{dim, rotated, interleaved, 1.25, {}};
  for (int64_t i = 0; i < rotated / 2; ++i)
    rope.invFreq.push_back(std::pow(10000.0, -2.0 * double(i) / double(rotated)));
  return rope;
}

Operand ropeTable(const reference::Rope &rope, int64_t positions) {
  std::vector<float> table;
  for (int64_t p = 0; p < positions; ++p)
    for (auto function : {static_cast<double (*)(double)>(std::cos), static_cast<double (*)(double)>(std::sin)})
      for (double frequency : rope.invFreq)
        table.push_back(float(function(double(p) * frequency) * rope.attentionFactor));
  return Operand::of(table);
}

enum class Turn { None, SplitHalf, Interleaved };

// What an append reads: q, k and v in joined rows, v apart from them, or k and v alone (kv_append).
enum class AppendInput { Joined, SeparateV, KeysAndValues };

// What rope_append does to heads beside turning them whole.
struct HeadWork {
  int64_t rotated = 0; // 0: all features
  enum class Norm { None, Rms, RmsOfAllGains, Layer, Whole } norm = Norm::None;
  bool queryScale = false;

  int64_t rotatedOf(int64_t dim) const { return rotated ? rotated : dim; }
};

// One row of values as the reference reads a weight.
class Gain : public reference::Weight {
public:
  Gain(int64_t size, uint32_t seed) : values(randomValues(size_t(size), seed)) {}
  int64_t rows() const override { return 1; }
  int64_t cols() const override { return int64_t(values.size()); }
  void readRow(int64_t, double *out) const override { std::copy(values.begin(), values.end(), out); }
  std::vector<float> values;
};

constexpr double headEps = 1e-3, queryBeta = 0.25;
constexpr int64_t queryLength = 8;

void addHeadParams(const HeadWork &work, const CacheShape &shape, KernelRow &row) {
  KernelParams &params = row.stages[0].params;
  if (work.norm != HeadWork::Norm::None) {
    bool all = work.norm == HeadWork::Norm::RmsOfAllGains || work.norm == HeadWork::Norm::Whole;
    params["norm_eps"] = headEps;
    params["gains"] = all ? shape.heads * shape.dim : shape.dim;
    params["k_gains"] = all ? shape.kvHeads * shape.dim : shape.dim;
    if (work.norm == HeadWork::Norm::Layer)
      params["centred"] = true;
    if (work.norm == HeadWork::Norm::Whole)
      params["whole"] = true;
    row.name += fmt::format("_norm{}", int(work.norm));
  }
  if (work.queryScale) {
    params["query_scale_beta"] = queryBeta;
    params["query_scale_length"] = queryLength;
    row.name += "_query_scale";
  }
  if (work.rotated)
    row.name += fmt::format("_rotated{}", work.rotated);
}

// The norm of q or k, and its gain to the operand.
reference::Tensor normedHeads(const HeadWork &work, const reference::Tensor &x, int64_t heads, int64_t gains,
                              uint32_t seed, Operand &operand) {
  Gain gain(gains, seed);
  operand = Operand::of(gain.values);
  bool whole = work.norm == HeadWork::Norm::Whole;
  return reference::norm(x, &gain, nullptr, {work.norm == HeadWork::Norm::Layer, headEps, whole ? 1 : heads});
}

KernelRow appendRow(const CacheShape &shape, Turn turn, AppendInput input, const HeadWork &work = {}) {
  bool isRopeAppend = input != AppendInput::KeysAndValues, separateV = input == AppendInput::SeparateV;
  const char *layout = turn == Turn::SplitHalf ? "split_half" : turn == Turn::Interleaved ? "interleaved" : "none";
  KernelRow row;
  row.name = fmt::format("{}_{}_{}_h{}_kv{}_d{}{}", isRopeAppend ? "rope_append" : "kv_append", name(shape.element),
                         layout, shape.heads, shape.kvHeads, shape.dim, separateV ? "_separate_v" : "");
  KernelParams params = {
      {"kv_heads", shape.kvHeads}, {"dim", shape.dim}, {"elem", name(shape.element)}, {"page_size", pageSize}};
  if (isRopeAppend)
    params["heads"] = shape.heads;
  if (separateV)
    params["separate_v"] = true;
  if (turn != Turn::None) {
    params["rope_layout"] = layout;
    params["rotated"] = work.rotatedOf(shape.dim);
  }
  row.stages = {{"", isRopeAppend ? "rope_append" : "kv_append", params}};
  addHeadParams(work, shape, row);
  params = row.stages[0].params;
  // A value next to a rounding border may go either way.
  row.tolerance = shape.element == ElementType::F32 ? 1e-6 : shape.element == ElementType::I8 ? 1.0 / 64 : 1.0 / 128;
  row.sizes = {0, 1, 2, 3, 4};
  row.make = [=](int64_t index) {
    const Ragged &ragged = batches[size_t(index)];
    Step step(ragged);
    reference::Cache cache = filledCache(shape, ragged, /*through=*/false);
    Operand before = cacheOperand(shape, pagedCache(shape, step, cache));
    int64_t kv = shape.kvHeads * shape.dim, width = shape.heads * shape.dim;
    reference::Tensor qkv = randomTensor(step.tokens, width + 2 * kv, 3);
    reference::Tensor q = reference::sliceColumns(qkv, 0, width), k = reference::sliceColumns(qkv, width, kv),
                      v = reference::sliceColumns(qkv, width + kv, kv);
    Operand kOperand = floats(k), vOperand = floats(v);
    Operand joined = floats(separateV ? reference::sliceColumns(qkv, 0, width + kv) : qkv);
    reference::Rope rope = ropeOf(shape.dim, work.rotatedOf(shape.dim), turn == Turn::Interleaved);
    Operand qGain, kGain;
    if (work.norm != HeadWork::Norm::None) {
      q = normedHeads(work, q, shape.heads, std::get<int64_t>(params.at("gains")), 11, qGain);
      k = normedHeads(work, k, shape.kvHeads, std::get<int64_t>(params.at("k_gains")), 12, kGain);
    }
    if (turn != Turn::None) {
      q = reference::rope(q, step.batch.positions, rope);
      k = reference::rope(k, step.batch.positions, rope);
    }
    if (work.queryScale)
      q = reference::positionScale(q, step.batch.positions, queryBeta, queryLength);
    reference::kvAppend(cache, k, v, step.batch, shape.dtype(), shape.dim);
    Problem problem(isRopeAppend ? "rope_append" : "kv_append");
    Expectation after{problem.indexOf("cache"), shape.element, pagedCache(shape, step, cache), {}};
    after.read = [shape](const std::vector<uint8_t> &bytes, size_t i) { return cacheElement(shape, bytes, i); };
    after.magnitude.assign(after.value.size(), 1.0);
    for (size_t i = 0; i < after.value.size(); ++i)
      if (after.value[i] == 0)
        after.magnitude[i] = 0; // what nobody wrote is zero exactly
    problem.dims = {step.tokens, int64_t(ragged.sequences.size()), 0, step.stride};
    problem.give({{"slots", Operand::of(step.slots)}, {"cache", before}});
    if (!isRopeAppend) {
      problem.give({{"k", kOperand}, {"v", vOperand}});
      problem.expected = {after};
      return problem;
    }
    problem.give({{"qkv", joined},
                  {"positions", Operand::of(step.batch.positions)},
                  {"rope_table", ropeTable(rope, 256)},
                  {"q_out", Operand::output(size_t(step.tokens * width * 4))}});
    if (separateV)
      problem.operand("v") = vOperand;
    if (work.norm != HeadWork::Norm::None)
      problem.give({{"q_gain", qGain}, {"k_gain", kGain}});
    Expectation rotated{problem.indexOf("q_out"), ElementType::F32, q.data, std::vector<double>(q.data.size(), 1.0)};
    problem.expected = {after, rotated};
    return problem;
  };
  return row;
}

KernelRow ropeRow(int64_t heads, int64_t dim, bool interleaved, int64_t part = 0) {
  int64_t rotated = part ? part : dim;
  const char *layout = interleaved ? "interleaved" : "split_half";
  KernelRow row;
  row.name = fmt::format("rope_{}_h{}_d{}{}", layout, heads, dim, part ? fmt::format("_rotated{}", part) : "");
  row.stages = {{"", "rope", {{"heads", heads}, {"dim", dim}, {"rotated", rotated}, {"rope_layout", layout}}}};
  row.tolerance = 1e-6;
  row.sizes = {1, 2, 3};
  row.make = [=](int64_t index) {
    Step step(batches[size_t(index)]);
    reference::Rope rope = ropeOf(dim, rotated, interleaved);
    reference::Tensor x = randomTensor(step.tokens, heads * dim, 5);
    Problem problem("rope");
    problem.dims[Tokens] = step.tokens;
    problem.give({{"x", floats(x)},
                  {"positions", Operand::of(step.batch.positions)},
                  {"rope_table", ropeTable(rope, 256)},
                  {"out", Operand::output(size_t(step.tokens * heads * dim * 4))}});
    Expectation out{problem.indexOf("out"), ElementType::F32, reference::rope(x, step.batch.positions, rope).data, {}};
    out.magnitude.assign(out.value.size(), 1.0);
    problem.expected = {out};
    return problem;
  };
  return row;
}

} // namespace

KernelRow attentionRow(const AttentionCase &attention, const std::string &layout, double tolerance, int64_t partials) {
  CacheShape shape{attention.heads, attention.kvHeads, attention.dim, attention.element, layout};
  int64_t window = attention.window;
  KernelRow row;
  row.name =
      fmt::format("attention_{}_h{}_kv{}_d{}_w{}", name(shape.element), shape.heads, shape.kvHeads, shape.dim, window);
  if (attention.softcap)
    row.name += "_softcap";
  row.tolerance = tolerance;
  double scale = 1 / std::sqrt(double(shape.dim));
  for (int64_t batch = 0; batch < attentionBatches; ++batch)
    row.sizes.push_back(batch);
  // Nobody clears a GPU's cache: kernels must not let what lies there into a sum, not even times zero.
  double unheld = layout == "rows" ? std::nan("") : 0;
  row.make = [=](int64_t index) {
    const Ragged &ragged = batches[size_t(index)];
    Step step(ragged);
    reference::Cache cache = filledCache(shape, ragged, /*through=*/true);
    reference::Tensor q = randomTensor(step.tokens, shape.heads * shape.dim, 7);
    for (double &value : q.data)
      value *= 8; // scores far enough apart that the softmax is not flat
    for (double &value : q.data)
      value = float(value);
    reference::AttentionShape asReference{shape.heads, shape.kvHeads, scale,
                                          window ? std::optional<int64_t>(window) : std::nullopt,
                                          attention.softcap ? std::optional(attention.softcap) : std::nullopt};
    Problem problem("attention");
    problem.dims = {step.tokens, int64_t(ragged.sequences.size()), 0, step.stride};
    problem.give({{"q", floats(q)},
                  {"positions", Operand::of(step.batch.positions)},
                  {"seq_starts", Operand::of(step.batch.seqStarts)},
                  {"context_lens", Operand::of(step.contextLens)},
                  {"page_table", Operand::of(step.pageTable)},
                  {"cache", cacheOperand(shape, pagedCache(shape, step, cache, unheld))},
                  {"out", Operand::output(size_t(step.tokens * shape.heads * shape.dim * 4))}});
    if (partials)
      problem.operand("partials") = Operand::output(size_t(partials) * 4);
    Expectation out{problem.indexOf("out"),
                    ElementType::F32,
                    reference::cachedAttention(q, cache, step.batch, asReference).data,
                    {}};
    out.magnitude.assign(out.value.size(), 1.0); // values are of magnitude one and average
    problem.expected = {out};
    return problem;
  };
  return row;
}

AttentionShape kernelShape(const AttentionCase &shape) {
  return {shape.heads,  shape.kvHeads, shape.dim, name(shape.element), pageSize, 1 / std::sqrt(double(shape.dim)),
          shape.window, shape.softcap};
}

int64_t mostTokensOfAttention() {
  int64_t most = 0;
  for (const Ragged &ragged : batches)
    most = std::max(most, Step(ragged).tokens);
  return most;
}

std::vector<KernelRow> ropeRows(const std::string &layout, const std::vector<ElementType> &elements) {
  std::vector<KernelRow> rows;
  for (ElementType element : elements) {
    rows.push_back(appendRow({4, 2, 64, element, layout}, Turn::SplitHalf, AppendInput::Joined));
    rows.push_back(appendRow({3, 3, 20, element, layout}, Turn::Interleaved, AppendInput::Joined));
    rows.push_back(appendRow({4, 1, 6, element, layout}, Turn::SplitHalf, AppendInput::Joined));
    rows.push_back(appendRow({2, 2, 24, element, layout}, Turn::None, AppendInput::Joined));
    rows.push_back(appendRow({4, 2, 64, element, layout}, Turn::Interleaved, AppendInput::SeparateV));
    rows.push_back(appendRow({3, 3, 20, element, layout}, Turn::SplitHalf, AppendInput::SeparateV));
    rows.push_back(appendRow({2, 2, 24, element, layout}, Turn::None, AppendInput::SeparateV));
    rows.push_back(appendRow({0, 2, 20, element, layout}, Turn::None, AppendInput::KeysAndValues));
  }
  rows.push_back(ropeRow(4, 64, false));
  rows.push_back(ropeRow(3, 20, false));
  rows.push_back(ropeRow(3, 20, true));
  rows.push_back(ropeRow(2, 64, true));
  return rows;
}

std::vector<KernelRow> familyRopeRows(const std::string &layout, const std::vector<ElementType> &elements) {
  using Norm = HeadWork::Norm;
  std::vector<KernelRow> rows = {ropeRow(3, 20, false, 8), ropeRow(2, 64, true, 32)};
  for (ElementType element : elements) {
    rows.push_back(appendRow({4, 2, 64, element, layout}, Turn::SplitHalf, AppendInput::Joined, {16}));
    rows.push_back(appendRow({3, 3, 20, element, layout}, Turn::Interleaved, AppendInput::SeparateV, {8, Norm::Rms}));
    rows.push_back(appendRow({4, 2, 64, element, layout}, Turn::SplitHalf, AppendInput::Joined, {0, Norm::Rms, true}));
    rows.push_back(appendRow({4, 2, 24, element, layout}, Turn::None, AppendInput::Joined, {0, Norm::RmsOfAllGains}));
    rows.push_back(appendRow({4, 2, 20, element, layout}, Turn::SplitHalf, AppendInput::Joined, {0, Norm::Layer}));
    rows.push_back(appendRow({4, 2, 64, element, layout}, Turn::SplitHalf, AppendInput::Joined, {0, Norm::Whole}));
    rows.push_back(appendRow({4, 2, 20, element, layout}, Turn::None, AppendInput::Joined, {0, Norm::None, true}));
  }
  return rows;
}

} // namespace quipu::conformance
