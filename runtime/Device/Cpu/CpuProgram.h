// A CPU target of an artifact in memory. All workers walk the same list of launches; each computes its share of
// a launch and meets the others at a barrier.
#pragma once

#include "runtime/Device/Cpu/CodeImage.h"
#include "runtime/Device/Cpu/KernelAbi.h"
#include "runtime/Device/Cpu/ThreadPool.h"
#include "runtime/Device/Device.h"
#include "runtime/Device/HugeBlock.h"

#include <array>

namespace quipu::cpu {

class CpuProgram : public LoadedProgram {
public:
  static Expected<std::unique_ptr<LoadedProgram>> load(const Artifact &artifact, uint32_t target, MemoryPlan &&plan,
                                                       const LoadOptions &options);

  Expected<void> run() override;
  Expected<void> runLaunch(uint32_t launch) override;
  void setDims(const StepDims &newDims) override { dims = newDims; }
  void profile(bool on) override;
  std::vector<KernelSpan> spans() const override;

protected:
  Expected<void> upload(MemoryRange range, const void *from) override;
  Expected<void> download(MemoryRange range, void *to) override;

private:
  struct Variant {
    uint32_t maxValue;
    std::vector<uint32_t> stages; // indices of kernels
  };
  struct Launch {
    std::vector<void *> operands;
    fb::Dim dim;
    std::vector<Variant> variants;
  };

  CpuProgram(const fb::Model &model, const fb::TargetProgram &target, MemoryPlan &&plan);
  Expected<void> fillBlock(const Artifact &artifact, const LoadOptions &options);
  Expected<void> resolveLaunches();
  const Variant *chooseVariant(const Launch &launch) const;
  void runLaunches(uint32_t begin, uint32_t end, uint32_t worker);
  void runTimed(uint32_t launch, uint32_t kernel, const KernelArgs &args);

  HugeBlock block;
  CodeImage code;
  std::vector<Kernel> kernels;
  std::vector<Launch> launches;
  StepDims dims = {};
  // KernelArgs::taken of this kernel and of the one before, which the first worker sets back for the next.
  struct alignas(64) Counter {
    uint32_t value = 0;
  };
  std::array<Counter, 2> counters;
  bool profiling = false;
  std::vector<std::vector<KernelSpan>> spansOf; // of each worker
  std::unique_ptr<ThreadPool> pool;             // last: its threads end before anything they use
};

} // namespace quipu::cpu
