#include "runtime/Artifact/ProgramChecks.h"

#include "runtime/Artifact/Format.h"
#include "runtime/Artifact/KvLayout.h"
#include "runtime/Artifact/StepBuffers.h"
#include "runtime/Artifact/WeightLayout.h"

#include <cmath>
#include <set>

namespace quipu {

namespace {

// Far above what any model or machine has, and small enough for products of two of them to fit 64 bits.
constexpr uint64_t maxBytes = uint64_t(1) << 48;
constexpr uint32_t maxCount = uint32_t(1) << 30;
constexpr uint64_t maxPageBytes = uint64_t(1) << 32;

bool isDType(fb::DType dtype) { return dtype <= fb::DType::MAX; }
// Buffers and caches hold elements that stand by themselves.
bool isElementType(fb::DType dtype) { return dtypeBytes(dtype) != 0; }
bool isDim(fb::Dim dim) { return dim <= fb::Dim::page_stride || dim == fb::Dim::none; }

Expected<void> checkModel(const fb::Model &model) {
  for (auto [name, value] : {std::pair{"vocab", model.vocab()},
                             {"max_context", model.max_context()},
                             {"max_sequences", model.max_sequences()},
                             {"max_batch_tokens", model.max_batch_tokens()},
                             {"max_rows", model.max_rows()}})
    if (value == 0 || value > maxCount)
      return makeError("model has {} {}", name, value);
  if (model.context_limit() > maxCount)
    return makeError("model has context_limit {}", model.context_limit());
  return {};
}

// FlatBuffers' verifier (2.0) checks where the length of a vector lies, and not its elements of eight bytes.
template <typename T> bool isAligned(const flatbuffers::Vector<T> *vector) {
  return !vector || reinterpret_cast<uintptr_t>(vector->Data()) % alignof(T) == 0;
}

Expected<void> checkWeights(const fb::Program &program, uint64_t weightBytes) {
  uint64_t end = 0;
  for (uint32_t i = 0; i < sizeOf(program.weights()); ++i) {
    const fb::Weight &weight = *program.weights()->Get(i);
    std::string_view name = weight.name()->string_view();
    std::vector<uint64_t> shape;
    if (!isAligned(weight.shape()))
      return makeError("the shape of weight {} is not aligned", i);
    if (weight.shape())
      shape.assign(weight.shape()->begin(), weight.shape()->end());
    if (!isDType(weight.dtype()))
      return makeError("weight '{}' has unknown dtype {}", name, static_cast<int>(weight.dtype()));
    Expected<WeightExtent> extent = weightExtent(weight.dtype(), shape, weight.layout()->string_view());
    if (!extent)
      return makeError("weight '{}': {}", name, extent.error().message);
    if (weight.bytes() != extent->bytes)
      return makeError("weight '{}' has {} bytes, its shape and layout take {}", name, weight.bytes(), extent->bytes);
    if (weight.offset() % weightAlignment != 0 || weight.offset() < end || weight.offset() > weightBytes ||
        weight.bytes() > weightBytes - weight.offset())
      return makeError("weight '{}' lies at {}, outside its place in {} bytes of weights", name, weight.offset(),
                       weightBytes);
    end = weight.offset() + weight.bytes();
  }
  return {};
}

Expected<void> checkKvCaches(const fb::Program &program) {
  for (uint32_t i = 0; i < sizeOf(program.kv_caches()); ++i) {
    const fb::KvCache &cache = *program.kv_caches()->Get(i);
    if (!isElementType(cache.dtype()) || cache.heads() == 0 || cache.dim() == 0 || cache.page_size() == 0 ||
        cache.page_size() > maxCount || cache.dim() > maxCount)
      return makeError("kv cache {} has no size, or one that cannot be", i);
    // One map of slots serves every layer.
    if (cache.page_size() != program.kv_caches()->Get(0)->page_size())
      return makeError("kv cache {} has pages of another size than kv cache 0", i);
    std::optional<KvLayout> layout =
        findKvLayout(cache.layout()->string_view(), cache.dtype(), cache.page_size(), cache.dim());
    if (!layout)
      return makeError("kv cache {} has no layout '{}' of {} in pages of {}", i, cache.layout()->string_view(),
                       dtypeName(cache.dtype()), cache.page_size());
    uint64_t bytes;
    if (__builtin_mul_overflow(layout->blockBytes(), uint64_t(cache.heads()), &bytes) || cache.page_bytes() != bytes ||
        bytes > maxPageBytes || bytes % 64 != 0)
      return makeError("kv cache {} has pages of {} bytes for {} heads of {}", i, cache.page_bytes(), cache.heads(),
                       cache.dim());
  }
  return {};
}

Expected<void> checkRopeTables(const fb::Program &program) {
  for (uint32_t i = 0; i < sizeOf(program.rope_tables()); ++i) {
    const fb::RopeTable &table = *program.rope_tables()->Get(i);
    if (!isAligned(table.inv_freq()))
      return makeError("the frequencies of rope table {} are not aligned", i);
    if (table.dim() == 0 || table.dim() % 2 != 0 || sizeOf(table.inv_freq()) != table.dim() / 2)
      return makeError("rope table {} has {} frequencies for dim {}", i, sizeOf(table.inv_freq()), table.dim());
    bool finite = std::isfinite(table.attention_factor());
    for (double frequency : *table.inv_freq())
      finite = finite && std::isfinite(frequency);
    if (!finite)
      return makeError("rope table {} has values that are not finite", i);
  }
  return {};
}

// Where a buffer of each kind gets its bytes from must exist.
Expected<void> checkBuffer(const fb::Program &program, const fb::TargetProgram &target, const fb::Buffer &buffer) {
  std::string_view name = buffer.name()->string_view();
  if (!isDType(buffer.dtype()) || !isDim(buffer.rows()))
    return makeError("buffer '{}' has an unknown dtype or dim", name);
  const fb::Model &model = *program.model();
  StepLimits limits = {model.max_batch_tokens(), model.max_sequences(), model.max_rows(), 1};
  switch (buffer.kind()) {
  case fb::BufferKind::input:
    if (!findStepInput(name) || buffer.dtype() != fb::DType::i32)
      return makeError("buffer '{}' is no input of a step", name);
    return {};
  case fb::BufferKind::output: {
    std::optional<StepOutput> output = findStepOutput(name);
    bool logits = output == StepOutput::Logits;
    if (!output || buffer.dtype() != (logits ? fb::DType::f32 : fb::DType::i32) || buffer.rows() != fb::Dim::rows ||
        buffer.columns() != (logits ? model.vocab() : 1))
      return makeError("buffer '{}' is no output of a step", name);
    return {};
  }
  case fb::BufferKind::activation: {
    std::optional<uint64_t> bytes = stepBufferBytes(buffer, limits);
    if (!isElementType(buffer.dtype()))
      return makeError("buffer '{}' holds {}, which only weights are stored as", name, dtypeName(buffer.dtype()));
    // How many sequences and pages there are is chosen at load, after activations have their places.
    if (buffer.rows() == fb::Dim::sequences || buffer.rows() == fb::Dim::page_stride)
      return makeError("activation '{}' is sized by {}, which may change at load", name,
                       fb::EnumNameDim(buffer.rows()));
    if (!bytes || buffer.offset() % 64 != 0 || buffer.offset() > target.arena_bytes() ||
        *bytes > target.arena_bytes() - buffer.offset())
      return makeError("buffer '{}' lies at {}, outside its place in {} bytes of activations", name, buffer.offset(),
                       target.arena_bytes());
    return {};
  }
  case fb::BufferKind::weight:
    if (buffer.index() < sizeOf(program.weights()) && buffer.dtype() == program.weights()->Get(buffer.index())->dtype())
      return {};
    break;
  case fb::BufferKind::kv_cache:
    if (buffer.index() < sizeOf(program.kv_caches()))
      return {};
    break;
  case fb::BufferKind::rope_table:
    if (buffer.index() < sizeOf(program.rope_tables()))
      return {};
    break;
  }
  return makeError("buffer '{}' of kind {} has index {}, which there is not", name, static_cast<int>(buffer.kind()),
                   buffer.index());
}

Expected<void> checkLaunch(const fb::TargetProgram &target, const fb::Launch &launch) {
  std::string_view name = launch.name()->string_view();
  if (!isDim(launch.dim()))
    return makeError("launch '{}' has unknown dim {}", name, static_cast<int>(launch.dim()));
  for (uint32_t i = 0; i < sizeOf(launch.operands()); ++i) {
    uint32_t operand = launch.operands()->Get(i);
    if (operand != UINT32_MAX && operand >= sizeOf(target.buffers()))
      return makeError("launch '{}' has operand {}, but there are {} buffers", name, operand, sizeOf(target.buffers()));
  }
  uint64_t above = 0; // the least value the next variant could be taken for
  for (uint32_t i = 0; i < sizeOf(launch.variants()); ++i) {
    const fb::Variant &variant = *launch.variants()->Get(i);
    if (variant.max_value() < above)
      return makeError("launch '{}' has variants that are not in ascending order", name);
    above = uint64_t(variant.max_value()) + 1;
    if (sizeOf(variant.stages()) == 0)
      return makeError("launch '{}' has a variant without stages", name);
    for (const fb::Stage *stage : *variant.stages())
      if (stage->kernel() >= sizeOf(target.kernels()))
        return makeError("launch '{}' has kernel {}, but there are {}", name, stage->kernel(),
                         sizeOf(target.kernels()));
  }
  if (above != uint64_t(UINT32_MAX) + 1)
    return makeError("launch '{}' has no variant for every value of its dim", name);
  return {};
}

Expected<void> checkGeometry(const fb::LaunchGeometry &geometry) {
  constexpr uint32_t mostThreads = 1024, mostCluster = 8 /* what every chip with clusters has */, mostShared = 1 << 20;
  if (geometry.block() == 0 || geometry.block() > mostThreads || geometry.shared_bytes() > mostShared ||
      geometry.cluster() == 0 || geometry.cluster() > mostCluster || sizeOf(geometry.grid()) > 3)
    return makeError("blocks of {} threads with {} bytes, in clusters of {} along {} axes", geometry.block(),
                     geometry.shared_bytes(), geometry.cluster(), sizeOf(geometry.grid()));
  for (uint32_t i = 0; i < sizeOf(geometry.grid()); ++i)
    if (const fb::GridAxis &axis = *geometry.grid()->Get(i); !isDim(axis.dim()) || axis.divide() == 0)
      return makeError("an axis over unknown dims, or divided by 0");
  return {};
}

Expected<void> checkTarget(const fb::Program &program, const fb::TargetProgram &target, uint32_t codeSections) {
  if (target.code_section() >= codeSections)
    return makeError("its code section {} does not exist", target.code_section());
  if (target.arena_bytes() > maxBytes)
    return makeError("its activations have {} bytes", target.arena_bytes());
  std::set<std::string_view> names;
  for (uint32_t i = 0; i < sizeOf(target.buffers()); ++i) {
    const fb::Buffer &buffer = *target.buffers()->Get(i);
    if (Expected<void> result = checkBuffer(program, target, buffer); !result)
      return result;
    bool shared = buffer.kind() == fb::BufferKind::input || buffer.kind() == fb::BufferKind::output;
    if (shared && !names.insert(buffer.name()->string_view()).second)
      return makeError("buffer '{}' is there twice", buffer.name()->string_view());
  }
  for (std::string_view output : stepOutputNames)
    if (!names.count(output))
      return makeError("it has no output '{}'", output);
  for (uint32_t i = 0; i < sizeOf(target.kernels()); ++i) {
    const fb::Kernel &kernel = *target.kernels()->Get(i);
    if (kernel.symbol()->size() == 0 || kernel.scratch_bytes() > maxBytes)
      return makeError("kernel {} has no symbol, or {} bytes of scratch", i, kernel.scratch_bytes());
    if (!kernel.geometry())
      continue;
    if (Expected<void> result = checkGeometry(*kernel.geometry()); !result)
      return makeError("kernel '{}' has {}", kernel.symbol()->string_view(), result.error().message);
  }
  for (uint32_t i = 0; i < sizeOf(target.launches()); ++i)
    if (Expected<void> result = checkLaunch(target, *target.launches()->Get(i)); !result)
      return result;
  return {};
}

} // namespace

Expected<void> checkProgram(const fb::Program &program, uint32_t codeSections, uint64_t weightBytes) {
  if (weightBytes > maxBytes)
    return makeError("it has {} bytes of weights", weightBytes);
  if (Expected<void> result = checkModel(*program.model()); !result)
    return result;
  if (Expected<void> result = checkWeights(program, weightBytes); !result)
    return result;
  if (Expected<void> result = checkKvCaches(program); !result)
    return result;
  if (Expected<void> result = checkRopeTables(program); !result)
    return result;
  if (sizeOf(program.targets()) == 0)
    return makeError("it has no target");
  for (const fb::TargetProgram *target : *program.targets())
    if (Expected<void> result = checkTarget(program, *target, codeSections); !result)
      return makeError("target '{}': {}", target->target()->string_view(), result.error().message);
  return {};
}

} // namespace quipu
