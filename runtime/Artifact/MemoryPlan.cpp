#include "runtime/Artifact/MemoryPlan.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Artifact/WeightLayout.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>

namespace quipu {

namespace {

constexpr uint64_t partAlignment = 4096;
constexpr uint64_t bufferAlignment = 64;
constexpr uint64_t hugePage = uint64_t(2) << 20;
constexpr uint64_t stepDimsBytes = 16;   // four of 32 bits
constexpr uint32_t defaultPageSize = 16; // of a program without a KV cache
// A block larger than this is a mistake in an option, and sums below it cannot overflow.
constexpr uint64_t maxBlock = uint64_t(1) << 56;

// Lays ranges one behind the other.
class BlockLayout {
public:
  MemoryRange append(uint64_t bytes, uint64_t alignment) {
    uint64_t offset = roundUp(end, alignment);
    tooLarge = tooLarge || bytes > maxBlock || offset > maxBlock;
    end = offset + std::min(bytes, maxBlock);
    return {offset, bytes};
  }
  void closePart(MemoryRange &part) const { part.bytes = end - part.offset; }

  uint64_t end = 0;
  bool tooLarge = false;
};

Expected<void> applyOptions(MemoryPlan &plan, const Artifact &artifact, const MemoryOptions &options) {
  const fb::Program &program = artifact.program();
  const fb::Model &model = *program.model();
  plan.maxContext = options.maxContext ? options.maxContext : model.max_context();
  plan.maxSequences = options.maxSequences ? options.maxSequences : model.max_sequences();
  uint32_t contextLimit = std::max(model.context_limit(), model.max_context());
  if (plan.maxContext > contextLimit)
    return makeError("max context {} is more than the {} positions of the model in {}", plan.maxContext, contextLimit,
                     artifact.path());
  constexpr uint32_t mostSequences = 1 << 20;
  if (plan.maxSequences > mostSequences)
    return makeError("max sequences {} is more than {}", plan.maxSequences, mostSequences);
  plan.workers = std::max(options.workers, 1u);
  constexpr uint32_t mostWorkers = 1024;
  if (plan.workers > mostWorkers)
    return makeError("{} threads are more than {}", plan.workers, mostWorkers);
  plan.pageSize = sizeOf(program.kv_caches()) ? program.kv_caches()->Get(0)->page_size() : defaultPageSize;
  uint64_t stride = divideUp(plan.maxContext, plan.pageSize);
  uint64_t pages = options.kvPages ? options.kvPages : stride * plan.maxSequences;
  // Slots are int32.
  if (pages * plan.pageSize > INT32_MAX)
    return makeError("{} sequences of {} positions are more than {} KV slots; lower max sequences or max context",
                     plan.maxSequences, plan.maxContext, INT32_MAX);
  plan.pageCount = static_cast<uint32_t>(pages);
  plan.limits = {model.max_batch_tokens(), plan.maxSequences, model.max_rows(), stride};
  return {};
}

// Places of a program's weights, caches and tables, as its lists of them. Another target's take no memory.
struct Parts {
  std::vector<MemoryRange> weights;
  std::vector<MemoryRange> caches;
  std::vector<MemoryRange> tables;
};

// Which of `count` things the target's buffers of a kind name.
std::vector<bool> namedBy(const fb::TargetProgram &target, fb::BufferKind kind, uint32_t count) {
  std::vector<bool> named(count);
  for (uint32_t i = 0; i < sizeOf(target.buffers()); ++i)
    if (const fb::Buffer &buffer = *target.buffers()->Get(i); buffer.kind() == kind)
      named[buffer.index()] = true;
  return named;
}

// One behind the other, those that are named; `bytesOf` is asked for each.
template <typename BytesOf>
std::vector<MemoryRange> layOutNamed(BlockLayout &block, MemoryRange &part, const std::vector<bool> &named,
                                     BytesOf bytesOf) {
  std::vector<MemoryRange> places(named.size());
  part = block.append(0, partAlignment);
  for (uint32_t i = 0; i < named.size(); ++i)
    if (named[i])
      places[i] = block.append(bytesOf(i), bufferAlignment);
  block.closePart(part);
  return places;
}

Parts layOutParts(MemoryPlan &plan, BlockLayout &block, const Artifact &artifact, const fb::TargetProgram &target) {
  const fb::Program &program = artifact.program();
  Parts parts;
  std::vector<bool> weights = namedBy(target, fb::BufferKind::weight, sizeOf(program.weights()));
  parts.weights =
      layOutNamed(block, plan.weights, weights, [&](uint32_t i) { return program.weights()->Get(i)->bytes(); });
  for (uint32_t i = 0; i < weights.size(); ++i)
    if (weights[i])
      plan.placedWeights.push_back({i, parts.weights[i]});
  parts.caches =
      layOutNamed(block, plan.kv, namedBy(target, fb::BufferKind::kv_cache, sizeOf(program.kv_caches())),
                  [&](uint32_t i) { return uint64_t(plan.pageCount) * program.kv_caches()->Get(i)->page_bytes(); });
  plan.activations = block.append(target.arena_bytes(), partAlignment);
  parts.tables =
      layOutNamed(block, plan.ropeTables, namedBy(target, fb::BufferKind::rope_table, sizeOf(program.rope_tables())),
                  [&](uint32_t i) { return uint64_t(plan.maxContext) * program.rope_tables()->Get(i)->dim() * 4; });
  for (uint32_t i = 0; i < sizeOf(target.kernels()); ++i)
    plan.scratchPerWorker = std::max(plan.scratchPerWorker, target.kernels()->Get(i)->scratch_bytes());
  // Workers write their scratch at the same time: no page is shared.
  plan.scratchPerWorker = roundUp(plan.scratchPerWorker, partAlignment);
  plan.scratch = block.append(plan.scratchPerWorker * plan.workers, partAlignment);
  return parts;
}

void layOutStepBuffers(MemoryPlan &plan, BlockLayout &block, const fb::Model &model, const fb::TargetProgram &target,
                       fb::BufferKind kind) {
  for (uint32_t i = 0; i < sizeOf(target.buffers()); ++i) {
    const fb::Buffer &buffer = *target.buffers()->Get(i);
    if (buffer.kind() != kind)
      continue;
    uint64_t bytes = kind == fb::BufferKind::input
                         ? stepInputBytes(*findStepInput(buffer.name()->string_view()), plan.limits, model.vocab())
                         : stepBufferBytes(buffer, plan.limits).value_or(UINT64_MAX);
    plan.buffers[i] = block.append(bytes, bufferAlignment);
  }
}

void placeOtherBuffers(MemoryPlan &plan, const Parts &parts, const fb::TargetProgram &target) {
  for (uint32_t i = 0; i < sizeOf(target.buffers()); ++i) {
    const fb::Buffer &buffer = *target.buffers()->Get(i);
    MemoryRange &range = plan.buffers[i];
    if (buffer.kind() == fb::BufferKind::weight) {
      range = parts.weights[buffer.index()];
    } else if (buffer.kind() == fb::BufferKind::kv_cache) {
      range = parts.caches[buffer.index()];
    } else if (buffer.kind() == fb::BufferKind::rope_table) {
      range = parts.tables[buffer.index()];
    } else if (buffer.kind() == fb::BufferKind::activation) {
      range = {plan.activations.offset + buffer.offset(), stepBufferBytes(buffer, plan.limits).value_or(0)};
    }
  }
}

} // namespace

Expected<MemoryPlan> planMemory(const Artifact &artifact, uint32_t targetIndex, const MemoryOptions &options) {
  const fb::Program &program = artifact.program();
  const fb::TargetProgram &target = *program.targets()->Get(targetIndex);
  MemoryPlan plan = {};
  if (Expected<void> result = applyOptions(plan, artifact, options); !result)
    return passError(std::move(result));

  BlockLayout block;
  plan.buffers.resize(sizeOf(target.buffers()));
  Parts parts = layOutParts(plan, block, artifact, target);
  plan.inputs = block.append(0, partAlignment);
  if (options.stepDims)
    plan.stepDims = block.append(stepDimsBytes, bufferAlignment);
  layOutStepBuffers(plan, block, *program.model(), target, fb::BufferKind::input);
  block.closePart(plan.inputs);
  plan.outputs = block.append(0, partAlignment);
  layOutStepBuffers(plan, block, *program.model(), target, fb::BufferKind::output);
  block.closePart(plan.outputs);
  if (block.tooLarge)
    return makeError("{}: takes more memory than any machine has; lower max sequences or max context", artifact.path());
  placeOtherBuffers(plan, parts, target);
  plan.blockBytes = roundUp(std::max<uint64_t>(block.end, 1), hugePage);
  plan.code = artifact.code(target.code_section()).size();
  plan.total = plan.blockBytes + plan.code;
  return plan;
}

} // namespace quipu
