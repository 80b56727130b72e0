#include "test/runtime/Artifact/ToyModel.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace quipu::toy {

namespace {

float tableValue(uint32_t row, uint32_t column) { return static_cast<float>((row * 7 + column * 3) % 5); }
// Chosen so that greedy text varies and sometimes ends at eos.
float headValue(uint32_t row, uint32_t column) {
  return static_cast<float>((7 * row * row + 6 * column * column + 5 * row * column) % 13) - 6;
}

std::unique_ptr<fb::WeightT> weight(const std::string &name) {
  auto weight = std::make_unique<fb::WeightT>();
  weight->name = name;
  weight->dtype = fb::DType::f32;
  weight->shape = {vocab, width};
  weight->layout = "row_major";
  return weight;
}

// Buffers by name, in the order in which they are added.
class TargetBuilder {
public:
  uint32_t buffer(const std::string &name, fb::BufferKind kind, fb::DType dtype, fb::Dim rows = fb::Dim::none,
                  uint64_t columns = 1, uint64_t offset = 0, uint32_t index = 0) {
    auto buffer = std::make_unique<fb::BufferT>();
    buffer->name = name;
    buffer->kind = kind;
    buffer->dtype = dtype;
    buffer->rows = rows;
    buffer->columns = columns;
    buffer->offset = offset;
    buffer->index = index;
    target->buffers.push_back(std::move(buffer));
    return static_cast<uint32_t>(target->buffers.size() - 1);
  }

  uint32_t kernel(const std::string &symbol) {
    auto kernel = std::make_unique<fb::KernelT>();
    kernel->symbol = symbol;
    kernel->scratch_bytes = 64;
    target->kernels.push_back(std::move(kernel));
    return static_cast<uint32_t>(target->kernels.size() - 1);
  }

  // Variants: up to which value of the dim, and the kernels of its stages.
  void launch(const std::string &name, std::vector<uint32_t> operands, fb::Dim dim,
              const std::vector<std::pair<uint32_t, std::vector<uint32_t>>> &variants) {
    auto launch = std::make_unique<fb::LaunchT>();
    launch->name = name;
    launch->op = "toy";
    launch->source = static_cast<uint32_t>(target->launches.size());
    launch->operands = std::move(operands);
    launch->dim = dim;
    for (const auto &[maxValue, kernels] : variants) {
      auto variant = std::make_unique<fb::VariantT>();
      variant->max_value = maxValue;
      for (uint32_t kernel : kernels) {
        variant->stages.push_back(std::make_unique<fb::StageT>());
        variant->stages.back()->kernel = kernel;
      }
      launch->variants.push_back(std::move(variant));
    }
    target->launches.push_back(std::move(launch));
  }

  std::unique_ptr<fb::TargetProgramT> target = std::make_unique<fb::TargetProgramT>();
};

std::unique_ptr<fb::TargetProgramT> makeTarget(const Options &options) {
  using fb::BufferKind, fb::DType, fb::Dim;
  TargetBuilder build;
  build.target->target = "cpu:toy";
  build.target->features = options.features;
  uint64_t activationBytes = (uint64_t(options.maxBatchTokens) * width * 4 + 63) / 64 * 64;
  build.target->arena_bytes = 2 * activationBytes;

  uint32_t ids = build.buffer("ids", BufferKind::input, DType::i32, Dim::tokens);
  uint32_t positions = build.buffer("positions", BufferKind::input, DType::i32, Dim::tokens);
  uint32_t slots = build.buffer("slots", BufferKind::input, DType::i32, Dim::tokens);
  uint32_t starts = build.buffer("seq_starts", BufferKind::input, DType::i32, Dim::sequences);
  uint32_t lengths = build.buffer("context_lens", BufferKind::input, DType::i32, Dim::sequences);
  uint32_t pages = build.buffer("page_table", BufferKind::input, DType::i32, Dim::sequences);
  uint32_t rows = build.buffer("rows", BufferKind::input, DType::i32, Dim::rows);
  uint32_t table = build.buffer("table", BufferKind::weight, DType::f32, Dim::none, 0, 0, 0);
  uint32_t head = build.buffer("head", BufferKind::weight, DType::f32, Dim::none, 0, 0, 1);
  uint32_t cache = build.buffer("cache", BufferKind::kv_cache, DType::f32);
  build.buffer("rope", BufferKind::rope_table, DType::f32);
  uint32_t x = build.buffer("x", BufferKind::activation, DType::f32, Dim::tokens, width, 0);
  uint32_t y = build.buffer("y", BufferKind::activation, DType::f32, Dim::tokens, width, activationBytes);
  uint32_t sampling = build.buffer("sampling", BufferKind::input, DType::i32, Dim::rows, sizeof(RowSampling) / 4);
  uint32_t seen = build.buffer("seen", BufferKind::input, DType::i32, Dim::rows, seenWords(vocab));
  uint32_t logits = build.buffer("logits", BufferKind::output, DType::f32, Dim::rows, vocab);
  uint32_t sampled = build.buffer("sampled", BufferKind::output, DType::i32, Dim::rows, 1);

  uint32_t embedding = build.kernel("toy_embedding"), append = build.kernel("toy_append"),
           attend = build.kernel("toy_attend"), nudge = build.kernel("toy_nudge"), project = build.kernel("toy_logits"),
           choose = build.kernel("toy_sample");
  build.launch("embedding", {ids, table, x}, Dim::tokens, {{1, {embedding}}, {UINT32_MAX, {embedding}}});
  build.launch("append", {x, slots, cache}, Dim::tokens, {{UINT32_MAX, {append}}});
  build.launch("attend", {positions, starts, lengths, pages, cache, y, UINT32_MAX}, Dim::tokens,
               {{3, {attend, nudge}}, {UINT32_MAX, {attend, nudge}}});
  build.launch("logits", {y, rows, head, logits}, Dim::rows, {{UINT32_MAX, {project}}});
  build.launch("sample", {logits, sampling, seen, sampled}, Dim::rows, {{UINT32_MAX, {choose}}});
  return std::move(build.target);
}

} // namespace

ArtifactContents contents(const Options &options) {
  ArtifactContents contents;
  fb::ProgramT &program = contents.program;
  program.compiler = "toy";
  program.checkpoint_digest = "none";
  program.model = std::make_unique<fb::ModelT>();
  program.model->family = "toy";
  program.model->vocab = vocab;
  program.model->hidden = width;
  program.model->layers = 1;
  program.model->max_context = options.maxContext;
  program.model->context_limit = 2 * options.maxContext;
  program.model->max_sequences = options.maxSequences;
  program.model->max_batch_tokens = options.maxBatchTokens;
  program.model->max_rows = options.maxRows;
  program.model->eos = {eos};
  program.weights.push_back(weight("table"));
  program.weights.push_back(weight("head"));
  auto cache = std::make_unique<fb::KvCacheT>();
  cache->heads = 1;
  cache->dim = width;
  cache->dtype = fb::DType::f32;
  cache->page_size = 16;
  cache->page_bytes = 16 * 2 * width * 4;
  cache->layout = "rows";
  program.kv_caches.push_back(std::move(cache));
  auto rope = std::make_unique<fb::RopeTableT>();
  rope->dim = 4;
  rope->attention_factor = 0.5;
  rope->inv_freq = {1.0, 0.25};
  program.rope_tables.push_back(std::move(rope));
  program.targets.push_back(makeTarget(options));

  contents.code.push_back(readFile(QUIPU_TOY_KERNELS));
  contents.tokenizer = "";
  contents.packWeight = [](uint32_t weight, uint64_t begin, std::byte *out, uint64_t bytes) -> Expected<void> {
    for (uint64_t at = 0; at < bytes; at += sizeof(float)) {
      auto index = static_cast<uint32_t>((begin + at) / sizeof(float));
      float value = weight == 0 ? tableValue(index / width, index % width) : headValue(index / width, index % width);
      std::memcpy(out + at, &value, sizeof(value));
    }
    return {};
  };
  return contents;
}

void write(const std::string &path, const Options &options, WeightPlacement placement) {
  ArtifactWriterOptions writerOptions;
  writerOptions.placement = placement;
  Expected<void> result = writeArtifact(path, contents(options), writerOptions);
  ASSERT_TRUE(result) << result.error().message;
}

std::vector<float> logitsOf(const std::vector<int32_t> &ids) {
  std::vector<float> logits(vocab);
  for (uint32_t v = 0; v < vocab; ++v)
    for (uint32_t i = 0; i < width; ++i) {
      float y = 1;
      for (size_t p = 0; p < ids.size(); ++p)
        y += static_cast<float>(p + 1) * tableValue(static_cast<uint32_t>(ids[p]), i);
      logits[v] += y * headValue(v, i);
    }
  return logits;
}

int32_t sampleOf(std::vector<float> logits, const RowSampling &sampling, const std::vector<int32_t> &seen) {
  for (size_t v = 0; v < logits.size(); ++v) {
    if (sampling.repetitionPenalty != 1 && std::count(seen.begin(), seen.end(), static_cast<int32_t>(v)) > 0)
      logits[v] -= sampling.repetitionPenalty;
    logits[v] += sampling.temperature * static_cast<float>(noiseBits(sampling.key, v) >> 40);
  }
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

std::vector<int32_t> greedy(std::vector<int32_t> ids, uint32_t maxNew) {
  std::vector<int32_t> generated;
  while (generated.size() < maxNew && (generated.empty() || generated.back() != eos)) {
    generated.push_back(sampleOf(logitsOf(ids), {}, {}));
    ids.push_back(generated.back());
  }
  return generated;
}

TemporaryFolder::TemporaryFolder() {
  path = testing::TempDir() + "quipu-XXXXXX";
  if (!::mkdtemp(path.data()))
    ADD_FAILURE() << "no temporary folder " << path;
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path); }

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void writeFile(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void flipByte(const std::string &path, uint64_t at, unsigned char bits) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(at));
  int byte = file.get();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ bits));
}

} // namespace quipu::toy
