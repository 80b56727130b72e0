#include "runtime/Device/Null/NullDevice.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Device/HugeBlock.h"

#include <cstring>

namespace quipu {

namespace {

// A backend keeps the block in its own memory and a function per kernel; here the block is host memory.
class NullProgram : public LoadedProgram {
public:
  NullProgram(const fb::Model &model, const fb::TargetProgram &target, MemoryPlan &&plan, HugeBlock &&block)
      : LoadedProgram(model, target, std::move(plan)), block(std::move(block)) {}

  // A backend enqueues every launch with the dims of the step, then waits for the outputs.
  Expected<void> run() override {
    for (uint32_t launch = 0; launch < sizeOf(target().launches()); ++launch)
      if (Expected<void> result = runLaunch(launch); !result)
        return result;
    return {};
  }

  // A backend picks the variant by the launch's dim and starts its stages one after the other.
  Expected<void> runLaunch(uint32_t launch) override {
    if (launch >= sizeOf(target().launches()))
      return makeError("launch {} does not exist: there are {}", launch, sizeOf(target().launches()));
    return {};
  }

  void setDims(const StepDims &dims) override {}
  void profile(bool on) override {}
  std::vector<KernelSpan> spans() const override { return {}; }

protected:
  Expected<void> upload(MemoryRange range, const void *from) override {
    std::memcpy(block.data() + range.offset, from, range.bytes);
    return {};
  }
  Expected<void> download(MemoryRange range, void *to) override {
    std::memcpy(to, block.data() + range.offset, range.bytes);
    return {};
  }

private:
  HugeBlock block;
};

class NullDevice : public Device {
public:
  std::string describe() const override { return "computes nothing"; }
  std::string targetToCompile() const override { return "cpu"; }

  // A backend compares the targets' names and features with its chip. Nothing is computed here, so any will do.
  Expected<uint32_t> chooseTarget(const Artifact &artifact) const override { return 0; }

  Expected<MemoryPlan> plan(const Artifact &artifact, uint32_t target, const LoadOptions &options) const override {
    MemoryOptions memory;
    memory.maxContext = options.maxContext;
    memory.maxSequences = options.maxSequences;
    memory.kvPages = options.kvPages;
    return planMemory(artifact, target, memory);
  }

  Expected<uint64_t> freeMemory() const override { return UINT64_MAX; }

  // A backend allocates the block, reads the weights into it (WeightLoad.h), makes the RoPE tables (RopeTable.h) and
  // loads the target's code section.
  Expected<std::unique_ptr<LoadedProgram>> load(const Artifact &artifact, uint32_t target,
                                                const LoadOptions &options) override {
    Expected<MemoryPlan> memory = plan(artifact, target, options);
    if (!memory)
      return passError(std::move(memory));
    const fb::Program &program = artifact.program();
    Expected<HugeBlock> block = HugeBlock::allocate(memory->blockBytes);
    if (!block)
      return makeError("{}: {}", artifact.path(), block.error().message);
    return std::make_unique<NullProgram>(*program.model(), *program.targets()->Get(target), std::move(*memory),
                                         std::move(*block));
  }

  Expected<DevicePeaks> probe(const LoadedProgram &program) override { return DevicePeaks(); }
  Expected<std::unique_ptr<BandwidthProbe>> bandwidthProbe(const LoadedProgram &program) override {
    return std::unique_ptr<BandwidthProbe>();
  }
};

} // namespace

Expected<std::unique_ptr<Device>> openNullDevice() { return std::make_unique<NullDevice>(); }

} // namespace quipu
