// How a GpuProgram comes into the memory of its device, and out of it.
#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Device/Gpu/GpuProgram.h"
#include "runtime/Device/Gpu/StagingSink.h"
#include "runtime/Device/RopeTable.h"

#include <algorithm>
#include <cstring>
#include <thread>

namespace quipu::gpu {

GpuProgram::GpuProgram(std::shared_ptr<GpuDriver> driver, const fb::Model &model, const fb::TargetProgram &target,
                       MemoryPlan &&plan, const LoadOptions &options)
    : LoadedProgram(model, target, std::move(plan)), driver(std::move(driver)), timeout(options.deviceTimeout),
      checkLaunches(options.checkLaunches), launchMarks(target), buckets(target, this->plan().limits) {}

GpuProgram::~GpuProgram() {
  driver->reportFaults(this, nullptr);
  (void)driver->useFromThisThread();
  // After an error there may be copies under way, whose memory must not go before.
  if (stream.handle && finished.handle && !driver->isAbandoned())
    (void)wait("the end of the program");
  for (const CachedGraph &cached : graphs)
    driver->destroy(cached.graph);
  for (Event mark : marks)
    driver->destroy(mark);
  for (Module module : modules)
    driver->unload(module);
  for (std::byte *memory : {mirror, staging, sampledMirror, markWords})
    driver->releasePinned(memory);
  driver->destroy(finished);
  driver->destroy(stream);
  driver->release(block);
}

// That read weights.
static unsigned weightThreads() {
  constexpr unsigned most = 8;
  return std::clamp(std::thread::hardware_concurrency(), 1u, most);
}

uint64_t GpuProgram::stagingOf(const Artifact &artifact, const fb::TargetProgram &target, const MemoryPlan &plan,
                               const LoadOptions &options) {
  bool random = options.randomWeights || artifact.weightIndex().placement == WeightPlacement::None;
  uint64_t weights = StagingSink::slotsFor(weightThreads()) * largestWeightChunk(artifact, plan, random);
  uint64_t marks = options.markLaunches ? LaunchMarks(target).bytes() : 0;
  return plan.inputs.bytes + stagingBytes + plan.limits.rows * sizeof(int32_t) + marks + weights;
}

Expected<std::unique_ptr<LoadedProgram>> GpuProgram::load(std::shared_ptr<GpuDriver> driver, const Artifact &artifact,
                                                          uint32_t targetIndex, MemoryPlan &&plan,
                                                          const LoadOptions &options, ImageKind kind) {
  const fb::TargetProgram &target = *artifact.program().targets()->Get(targetIndex);
  const DeviceInfo &info = driver->info();
  auto failed = [&](const Error &error) {
    return makeError("{}: target '{}' on {}: {}", artifact.path(), target.target()->str(), info.device, error.message);
  };
  if (Expected<void> used = driver->useFromThisThread(); !used)
    return failed(used.error());
  Expected<uint64_t> free = driver->freeMemory();
  if (!free)
    return failed(free.error());
  if (Expected<void> fits = checkMemory(plan, *free, artifact.path(),
                                        fmt::format("{} ({}, {} MiB)", info.device, info.name, info.memory >> 20));
      !fits)
    return passError(std::move(fits));
  std::unique_ptr<GpuProgram> program(
      new GpuProgram(std::move(driver), *artifact.program().model(), target, std::move(plan), options));
  if (Expected<void> loaded = program->loadCode(artifact, kind); !loaded)
    return failed(loaded.error());
  if (Expected<void> allocated = program->allocate(options.markLaunches); !allocated)
    return failed(allocated.error());
  if (Expected<void> filled = program->fillBlock(artifact, options); !filled)
    return failed(filled.error());
  return program;
}

Expected<void> GpuProgram::loadCode(const Artifact &artifact, ImageKind kind) {
  Expected<CodeBundle> bundle = CodeBundle::read(artifact.code(target().code_section()));
  if (!bundle)
    return passError(std::move(bundle));
  std::map<const char *, Module> loaded; // by where the image lies: kernels may share one
  for (uint32_t i = 0; i < sizeOf(target().kernels()); ++i) {
    const fb::Kernel &from = *target().kernels()->Get(i);
    std::string symbol = from.symbol()->str();
    std::string_view image = bundle->find(symbol, kind);
    if (image.empty()) // a compiler that makes only text, which the driver compiles for this chip as well
      image = bundle->find(symbol, ImageKind::Portable);
    if (image.empty())
      return makeError("its code has no kernel '{}'", symbol);
    if (!from.geometry())
      return makeError("kernel '{}' does not say how it is launched", symbol);
    auto [place, isNew] = loaded.try_emplace(image.data());
    if (isNew) {
      Expected<Module> module = driver->loadModule(std::string(image));
      if (!module)
        return makeError("kernel '{}': {}", symbol, module.error().message);
      modules.push_back(*module);
      place->second = *module;
    }
    uint32_t shared = from.geometry()->shared_bytes();
    if (uint32_t most = driver->info().sharedPerBlock; most > 0 && shared > most)
      return makeError("kernel '{}' takes {} bytes of shared memory, a block has {}", symbol, shared, most);
    Expected<Function> function = driver->findFunction(place->second, symbol, shared);
    if (!function)
      return makeError("kernel '{}': {}", symbol, function.error().message);
    kernels.push_back({std::move(symbol), *function, from.geometry()});
  }
  return {};
}

Expected<void> GpuProgram::allocate(bool markLaunches) {
  Expected<Stream> madeStream = driver->createStream();
  if (!madeStream)
    return passError(std::move(madeStream));
  stream = *madeStream;
  Expected<Event> madeEvent = driver->createEvent(false);
  if (!madeEvent)
    return passError(std::move(madeEvent));
  finished = *madeEvent;
  uint64_t sampled = plan().buffers[outputBuffer(StepOutput::Sampled)].bytes;
  uint64_t marks = markLaunches ? launchMarks.bytes() : 0;
  for (auto [memory, bytes] : {std::pair(&mirror, plan().inputs.bytes), std::pair(&staging, stagingBytes),
                               std::pair(&sampledMirror, sampled), std::pair(&markWords, marks)}) {
    if (bytes == 0)
      continue;
    Expected<std::byte *> pinned = driver->allocatePinned(bytes);
    if (!pinned)
      return passError(std::move(pinned));
    *memory = *pinned;
  }
  std::memset(mirror, 0, plan().inputs.bytes);
  launchMarks.placeIn(markWords);
  driver->reportFaults(this, [this] { return whatRan(); });
  Expected<Address> allocated = driver->allocate(plan().blockBytes);
  if (!allocated)
    return passError(std::move(allocated));
  block = *allocated;
  for (uint32_t i = 0; i < sizeOf(target().launches()); ++i) {
    const fb::Launch &launch = *target().launches()->Get(i);
    std::vector<Address> &list = arguments.emplace_back();
    for (uint32_t j = 0; j < sizeOf(launch.operands()); ++j) {
      uint32_t operand = launch.operands()->Get(j);
      list.push_back(operand == UINT32_MAX ? 0 : block + plan().buffers[operand].offset);
    }
    list.push_back(block + plan().stepDims.offset);
    list.push_back(block + plan().scratch.offset);
    list.push_back(0); // the mark, by stage
  }
  return {};
}

Expected<void> GpuProgram::fillBlock(const Artifact &artifact, const LoadOptions &options) {
  const MemoryPlan &memory = plan();
  // All but the weights is zero at first, as on every device.
  uint64_t rest = (memory.weights.offset + memory.weights.bytes) / 4 * 4;
  if (Expected<void> filled = driver->fillZero(block + rest, memory.blockBytes - rest, stream); !filled)
    return filled;
  if (Expected<void> waited = wait("the first use of its memory"); !waited)
    return waited;
  WeightLoadOptions load;
  load.threads = weightThreads();
  load.random = options.randomWeights;
  load.progress = options.progress;
  if (!memory.placedWeights.empty()) {
    StagingSink sink(*driver, block, timeout);
    uint64_t chunk = std::max<uint64_t>(largestWeightChunk(artifact, memory, load.random), 1);
    if (Expected<void> allocated = sink.allocate(load.threads, chunk); !allocated)
      return allocated;
    if (Expected<void> loaded = loadWeights(artifact, memory, sink, load); !loaded)
      return loaded;
    if (Expected<void> copied = sink.finish(); !copied)
      return copied;
  }
  for (uint32_t i = 0; i < sizeOf(target().buffers()); ++i) {
    const fb::Buffer &buffer = *target().buffers()->Get(i);
    if (buffer.kind() != fb::BufferKind::rope_table)
      continue;
    std::vector<float> table(memory.buffers[i].bytes / sizeof(float));
    fillRopeTable(*artifact.program().rope_tables()->Get(buffer.index()), memory.maxContext, table.data());
    if (Expected<void> uploaded = upload(memory.buffers[i], table.data()); !uploaded)
      return uploaded;
  }
  return {};
}

} // namespace quipu::gpu
