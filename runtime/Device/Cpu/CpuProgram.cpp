#include "runtime/Device/Cpu/CpuProgram.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Device/Cpu/Topology.h"
#include "runtime/Device/RopeTable.h"
#include "runtime/Device/WeightLoad.h"
#include "runtime/Support/Rounding.h"

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

// A worker that waits for another one's stage sees its end after some 500 ns, and finds its results in the other core's
// cache: two shares of less than that are sooner done by one worker.
constexpr double smallStage = 1e-6;

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
    uint64_t begin = roundUp(memory.weights.offset + memory.weights.bytes, 4096);
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

std::vector<CpuProgram::Stage> CpuProgram::stagesOf(uint32_t begin, uint32_t end) const {
  std::vector<Stage> stages;
  for (uint32_t i = begin; i < end; ++i)
    if (const Variant *variant = chooseVariant(launches[i]))
      for (uint32_t kernel : variant->stages)
        stages.push_back({i, kernel, kernels[kernel], launches[i].operands.data()});
  return stages;
}

void CpuProgram::runShare(const Stage &stage, const Share &share) {
  KernelArgs args = {};
  args.buffers = stage.operands;
  args.dims = dims.data();
  args.scratch = block.data() + plan().scratch.offset + share.worker * plan().scratchPerWorker;
  args.worker = static_cast<int32_t>(share.index);
  args.workers = static_cast<int32_t>(pool->workers());
  args.taken = &counters[share.stage % 2].value;
  if (share.index == 0)
    counters[1 - share.stage % 2].value = 0; // the stage that used it has ended, the next one has not begun
  stage.function(&args);
}

void CpuProgram::runStages(std::vector<Stage> &stages, bool timed) {
  counters = {};
  if (timed)
    times.resize(stages.size() * pool->workers());
  StagedWork work;
  work.stages = static_cast<uint32_t>(stages.size());
  work.isSmall = [&](uint32_t stage) { return stages[stage].seconds < smallStage; };
  work.run = [&](const Share &share) {
    if (!timed)
      return runShare(stages[share.stage], share);
    double begin = now();
    runShare(stages[share.stage], share);
    times[share.stage * pool->workers() + share.index] = {begin, now() - begin};
  };
  pool->run(work);
  if (timed)
    keepTimes(stages);
}

void CpuProgram::keepTimes(std::vector<Stage> &stages) {
  const Times *time = times.data();
  for (Stage &stage : stages) {
    double end = 0;
    stage.seconds = 0;
    for (uint32_t index = 0; index < pool->workers(); ++index) {
      stage.seconds += time[index].working;
      end = std::max(end, time[index].begin + time[index].working);
    }
    for (uint32_t index = 0; profiling && index < pool->workers(); ++index)
      kept.push_back(
          {stage.launch, stage.kernel, index, time[index].begin, time[index].working, end - time[index].begin});
    time += pool->workers();
  }
}

Expected<void> CpuProgram::run() {
  if (dims != stepStagesDims) {
    stepStages = stagesOf(0, static_cast<uint32_t>(launches.size()));
    stepStagesDims = dims;
    stepsRun = 0;
  }
  // The first steps find caches cold; later ones have longer contexts.
  runStages(stepStages, profiling || stepsRun < 4 || stepsRun % 64 == 0);
  ++stepsRun;
  return {};
}

Expected<void> CpuProgram::runLaunch(uint32_t launch) {
  if (launch >= launches.size())
    return makeError("launch {} does not exist: there are {}", launch, launches.size());
  std::vector<Stage> stages = stagesOf(launch, launch + 1);
  runStages(stages, profiling);
  return {};
}

void CpuProgram::profile(bool on) {
  profiling = on;
  kept.clear();
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
