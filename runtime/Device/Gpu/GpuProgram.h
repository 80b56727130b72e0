// A GPU target of an artifact in the memory of a device. One block holds all that is planned; a step's inputs go there
// in one copy from a mirror in pinned memory, its launches are one graph that is captured once for a bucket of steps
// (LaunchGrid.h), and the sampled tokens come back with it.
//
// Kernels take the launch's operands in order (null where absent), then the address of the step's dims (i32 [4]), that
// of the scratch memory, and that of the stage's mark (LaunchMarks.h). A device that fails once, or does not answer in
// time, is not used again: everything after gives the first error.
#pragma once

#include "runtime/Artifact/CodeBundle.h"
#include "runtime/Device/Device.h"
#include "runtime/Device/Gpu/LaunchGrid.h"
#include "runtime/Device/Gpu/LaunchMarks.h"

#include <list>
#include <map>
#include <memory>

namespace quipu::gpu {

class GpuProgram : public LoadedProgram {
public:
  // `kind` is which images of the code bundle the device takes.
  static Expected<std::unique_ptr<LoadedProgram>> load(std::shared_ptr<GpuDriver> driver, const Artifact &artifact,
                                                       uint32_t target, MemoryPlan &&plan, const LoadOptions &options,
                                                       ImageKind kind);
  ~GpuProgram() override;

  // Bytes of pinned host memory: of the program, and of its weights on their way.
  static uint64_t stagingOf(const Artifact &artifact, const fb::TargetProgram &target, const MemoryPlan &plan,
                            const LoadOptions &options);

  Expected<void> run() override;
  Expected<void> runLaunch(uint32_t launch) override;
  void setDims(const StepDims &newDims) override;
  void profile(bool on) override;
  std::vector<KernelSpan> spans() const override { return taken; }

  size_t graphCount() const { return graphs.size(); }

protected:
  Expected<void> upload(MemoryRange range, const void *from) override;
  Expected<void> download(MemoryRange range, void *to) override;

private:
  static constexpr uint64_t stagingBytes = uint64_t(4) << 20;

  struct Kernel {
    std::string symbol;
    Function function;
    const fb::LaunchGeometry *geometry;
  };
  struct CachedGraph {
    StepDims bucket;
    Graph graph;
  };

  GpuProgram(std::shared_ptr<GpuDriver> driver, const fb::Model &model, const fb::TargetProgram &target,
             MemoryPlan &&plan, const LoadOptions &options);
  Expected<void> allocate(bool markLaunches);
  Expected<void> loadCode(const Artifact &artifact, ImageKind kind);
  Expected<void> fillBlock(const Artifact &artifact, const LoadOptions &options);

  Expected<void> usable() const;
  // Keeps the first error for all that comes after, and returns it. It names the kernel that was running, else `what`.
  Expected<void> fail(const std::string &what, const Error &error);
  Expected<void> failLaunch(const std::string &what, const Error &error);
  Expected<void> wait(const std::string &what);
  // Sends what was written to the inputs since the last time.
  Expected<void> sendInputs();
  Expected<void> startLaunch(uint32_t launch, const StepDims &shapeDims);
  Expected<void> startLaunches(const StepDims &shapeDims);
  Expected<void> startTimedLaunches();
  Expected<void> addSpans();
  // A graph for the bucket, captured now where there is none.
  Expected<Graph> graphOf(const StepDims &bucket);
  Expected<void> fetchSampled();
  std::string stepName() const;
  // The kernel that began last, and of which step and device; empty where none has begun.
  std::string whatRan() const;

  std::shared_ptr<GpuDriver> driver;
  double timeout;     // seconds
  bool checkLaunches; // each is waited for

  Address block = 0;
  Stream stream;
  Event finished;
  std::vector<Module> modules;
  std::vector<Kernel> kernels;
  std::vector<std::vector<Address>> arguments; // of each launch: operands, dims, scratch, mark

  std::byte *mirror = nullptr;        // of plan().inputs, pinned; the truth of what the device has or is to get
  std::vector<MemoryRange> unsent;    // in the mirror
  std::byte *staging = nullptr;       // for other copies, pinned
  std::byte *sampledMirror = nullptr; // pinned
  std::byte *markWords = nullptr;     // pinned, of launchMarks; null where nobody wants them
  LaunchMarks launchMarks;
  uint64_t sampledBytes = 0; // that the mirror holds of the sampled tokens; 0 once that may have changed
  StepDims dims = {};
  bool behindKernel = false; // the last thing the stream was given is a kernel
  bool capturing = false;

  StepBuckets buckets;
  std::list<CachedGraph> graphs; // the one used last is first

  bool profiling = false;
  std::vector<Event> marks; // before each launch, and behind the last
  std::vector<KernelSpan> taken;
  std::string failure; // the first; empty: none
};

} // namespace quipu::gpu
