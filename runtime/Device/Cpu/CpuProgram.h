// A CPU target of an artifact in memory. The workers go through the stages of its launches together; each stage has a
// share for each worker.
#pragma once

#include "runtime/Device/Cpu/CodeImage.h"
#include "runtime/Device/Cpu/KernelAbi.h"
#include "runtime/Device/Cpu/ThreadPool.h"
#include "runtime/Device/Device.h"
#include "runtime/Device/HugeBlock.h"

#include <array>
#include <cmath>

namespace quipu::cpu {

class CpuProgram : public LoadedProgram {
public:
  static Expected<std::unique_ptr<LoadedProgram>> load(const Artifact &artifact, uint32_t target, MemoryPlan &&plan,
                                                       const LoadOptions &options);

  Expected<void> run() override;
  Expected<void> runLaunch(uint32_t launch) override;
  void setDims(const StepDims &newDims) override { dims = newDims; }
  void profile(bool on) override;
  std::vector<KernelSpan> spans() const override { return kept; }

protected:
  Expected<void> upload(MemoryRange range, const void *from) override;
  Expected<void> download(MemoryRange range, void *to) override;

private:
  struct Stage {
    uint32_t launch;
    uint32_t kernel;
    Kernel function;
    void *const *operands;
    double seconds = INFINITY; // of all shares together, when last measured
  };
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
  // The stages of these launches with the dims of the step.
  std::vector<Stage> stagesOf(uint32_t begin, uint32_t end) const;
  void runStages(std::vector<Stage> &stages, bool timed);
  void runShare(const Stage &stage, const Share &share);
  // What runs of all shares took is kept in the stages, and for a profile.
  void keepTimes(std::vector<Stage> &stages);

  HugeBlock block;
  CodeImage code;
  std::vector<Kernel> kernels;
  std::vector<Launch> launches;
  StepDims dims = {};
  std::vector<Stage> stepStages; // of all launches
  StepDims stepStagesDims = {};  // that they are for
  uint32_t stepsRun = 0;         // with these
  // KernelArgs::taken of this stage and of the one before, which the first share sets back for the next.
  struct alignas(64) Counter {
    uint32_t value = 0;
  };
  std::array<Counter, 2> counters;
  struct Times {
    double begin, working; // in seconds
  };
  std::vector<Times> times; // of each share of each stage of a timed run
  bool profiling = false;
  std::vector<KernelSpan> kept;
  std::unique_ptr<ThreadPool> pool; // last: its threads end before anything they use
};

} // namespace quipu::cpu
