#include "runtime/Device/Cpu/CpuProgram.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Device/Cpu/Topology.h"
#include "runtime/Device/RopeTable.h"
#include "runtime/Device/WeightLoad.h"

#include <chrono>
#include <cstring>

namespace quipu::cpu {

namespace {

// Writes a byte of every page in [begin, end) of the block, so that its memory is there before the first step.
void touch(const HugeBlock &block, uint64_t begin, uint64_t end) {
  constexpr uint64_t page = 4096;
  for (uint64_t at = begin; at < end; at += page)
    *reinterpret_cast<volatile char *>(block.data() + at) = 0;
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

} // namespace

CpuProgram::CpuProgram(const fb::Model &model, const fb::TargetProgram &target, MemoryPlan &&plan)
    : LoadedProgram(model, target, std::move(plan)) {}

Expected<std::unique_ptr<LoadedProgram>> CpuProgram::load(const Artifact &artifact, uint32_t targetIndex,
                                                          MemoryPlan &&plan, const LoadOptions &options) {
  const fb::Program &fromArtifact = artifact.program();
  const fb::TargetProgram &target = *fromArtifact.targets()->Get(targetIndex);
  std::unique_ptr<CpuProgram> program(new CpuProgram(*fromArtifact.model(), target, std::move(plan)));
  Expected<CodeImage> code = CodeImage::load(artifact.code(target.code_section()));
  if (!code)
    return makeError("{}: target '{}': {}", artifact.path(), target.target()->string_view(), code.error().message);
  program->code = std::move(*code);
  // The kernel promises memory that it does not have and kills who uses it; better to say so before.
  if (Expected<void> fits = checkMemory(program->plan(), availableMemory(), artifact.path(), "cpu", options.mapWeights);
      !fits)
    return passError(std::move(fits));
  Expected<HugeBlock> block = HugeBlock::allocate(program->plan().blockBytes);
  if (!block)
    return makeError("{}: {}", artifact.path(), block.error().message);
  program->block = std::move(*block);
  Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::start(program->plan().workers);
  if (!pool)
    return passError(std::move(pool));
  program->pool = std::move(*pool);
  if (Expected<void> result = program->resolveLaunches(); !result)
    return makeError("{}: target '{}': {}", artifact.path(), target.target()->string_view(), result.error().message);
  if (Expected<void> result = program->fillBlock(artifact, options); !result)
    return passError(std::move(result));
  return program;
}

Expected<void> CpuProgram::fillBlock(const Artifact &artifact, const LoadOptions &options) {
  const MemoryPlan &memory = plan();
  HostWeightSink sink(block.data(), block.size());
  WeightLoadOptions load = {memory.workers, options.randomWeights, options.progress};
  if (Expected<void> result = options.mapWeights ? mapWeights(artifact, memory, block.data(), load)
                                                 : loadWeights(artifact, memory, sink, load);
      !result)
    return result;
  // The workers share the work by huge pages; the weights have touched theirs.
  pool->run([&](uint32_t worker) {
    uint64_t begin = (memory.weights.offset + memory.weights.bytes + 4095) / 4096 * 4096;
    for (uint64_t page = begin / hugePageBytes; page < block.size() / hugePageBytes; ++page)
      if (page % memory.workers == worker)
        touch(block, std::max(begin, page * hugePageBytes), (page + 1) * hugePageBytes);
  });
  for (uint32_t i = 0; i < sizeOf(target().buffers()); ++i) {
    const fb::Buffer &buffer = *target().buffers()->Get(i);
    if (buffer.kind() == fb::BufferKind::rope_table)
      fillRopeTable(*artifact.program().rope_tables()->Get(buffer.index()), memory.maxContext,
                    reinterpret_cast<float *>(block.data() + memory.buffers[i].offset));
  }
  return {};
}

Expected<void> CpuProgram::resolveLaunches() {
  for (uint32_t i = 0; i < sizeOf(target().kernels()); ++i) {
    std::string symbol = target().kernels()->Get(i)->symbol()->str();
    kernels.push_back(reinterpret_cast<Kernel>(code.find(symbol)));
    if (!kernels.back())
      return makeError("its code has no kernel '{}'", symbol);
  }
  for (uint32_t i = 0; i < sizeOf(target().launches()); ++i) {
    const fb::Launch &from = *target().launches()->Get(i);
    Launch launch;
    launch.dim = from.dim();
    for (uint32_t j = 0; j < sizeOf(from.operands()); ++j) {
      uint32_t operand = from.operands()->Get(j);
      launch.operands.push_back(operand == UINT32_MAX ? nullptr : block.data() + plan().buffers[operand].offset);
    }
    for (const fb::Variant *variant : *from.variants()) {
      launch.variants.push_back({variant->max_value(), {}});
      for (const fb::Stage *stage : *variant->stages())
        launch.variants.back().stages.push_back(stage->kernel());
    }
    launches.push_back(std::move(launch));
  }
  return {};
}

// Null where the step has nothing for the launch to do, such as rows when no logits are asked for.
const CpuProgram::Variant *CpuProgram::chooseVariant(const Launch &launch) const {
  if (launch.dim == fb::Dim::none)
    return &launch.variants.front();
  auto value = static_cast<uint64_t>(dims[static_cast<size_t>(launch.dim)]);
  if (value == 0)
    return nullptr;
  for (const Variant &variant : launch.variants)
    if (value <= variant.maxValue)
      return &variant;
  return &launch.variants.back();
}

void CpuProgram::runLaunches(uint32_t begin, uint32_t end, uint32_t worker) {
  KernelArgs args = {};
  args.dims = dims.data();
  args.scratch = block.data() + plan().scratch.offset + worker * plan().scratchPerWorker;
  args.worker = static_cast<int32_t>(worker);
  args.workers = static_cast<int32_t>(pool->workers());
  size_t turn = 0;
  for (uint32_t i = begin; i < end; ++i) {
    const Variant *variant = chooseVariant(launches[i]);
    if (!variant)
      continue;
    args.buffers = launches[i].operands.data();
    for (uint32_t kernel : variant->stages) {
      args.taken = &counters[turn].value;
      turn = 1 - turn;
      if (worker == 0)
        counters[turn].value = 0; // the kernel that used it has ended everywhere, the next begins after a barrier
      if (profiling) {
        runTimed(i, kernel, args);
        continue;
      }
      kernels[kernel](&args);
      pool->barrier();
    }
  }
}

void CpuProgram::runTimed(uint32_t launch, uint32_t kernel, const KernelArgs &args) {
  double begin = now();
  kernels[kernel](&args);
  double worked = now();
  pool->barrier();
  auto worker = static_cast<uint32_t>(args.worker);
  spansOf[worker].push_back({launch, kernel, worker, begin, worked - begin, now() - begin});
}

Expected<void> CpuProgram::run() {
  counters = {};
  pool->run([this](uint32_t worker) { runLaunches(0, static_cast<uint32_t>(launches.size()), worker); });
  return {};
}

Expected<void> CpuProgram::runLaunch(uint32_t launch) {
  if (launch >= launches.size())
    return makeError("launch {} does not exist: there are {}", launch, launches.size());
  counters = {};
  pool->run([this, launch](uint32_t worker) { runLaunches(launch, launch + 1, worker); });
  return {};
}

void CpuProgram::profile(bool on) {
  profiling = on;
  spansOf.assign(on ? pool->workers() : 0, {});
}

std::vector<KernelSpan> CpuProgram::spans() const {
  std::vector<KernelSpan> all;
  for (const std::vector<KernelSpan> &own : spansOf)
    all.insert(all.end(), own.begin(), own.end());
  return all;
}

Expected<void> CpuProgram::upload(MemoryRange range, const void *from) {
  std::memcpy(block.data() + range.offset, from, range.bytes);
  return {};
}

Expected<void> CpuProgram::download(MemoryRange range, void *to) {
  std::memcpy(to, block.data() + range.offset, range.bytes);
  return {};
}

} // namespace quipu::cpu
