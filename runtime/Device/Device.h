// What a backend is to the engine: it loads one target of an artifact and runs steps. A new backend is a folder beside
// this file with a Device and a LoadedProgram, and a row in Registry.cpp; Null/NullDevice.cpp is the shortest one.
#pragma once

#include "runtime/Artifact/Artifact.h"
#include "runtime/Artifact/MemoryPlan.h"
#include "runtime/Device/Step.h"
#include "runtime/Support/Error.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quipu {

struct LoadOptions {
  uint32_t maxContext = 0; // as in MemoryOptions
  uint32_t maxSequences = 0;
  uint32_t kvPages = 0;
  uint32_t threads = 0;                                        // of a CPU; 0: one for each physical core it may use
  std::function<void(uint64_t done, uint64_t total)> progress; // bytes of weights read; one call at a time
  bool mapWeights = false;    // of a CPU: used where the system's file cache has them, not copied to huge pages
  bool randomWeights = false; // weights made here in place of the artifact's
  bool checkLaunches = false; // a GPU waits for each launch, and none begins before the one in front has ended
  bool markLaunches = true;   // a GPU's kernels say where they are, so that an error names the one that ran
  double deviceTimeout = 120; // seconds that a GPU may take for a step, or for an answer, before it is given up
};

// One run of a kernel within a step, for profiles. On a CPU every worker's share has its own.
struct KernelSpan {
  uint32_t launch, kernel; // of the target; a launch whose kernels are timed as one has its last
  uint32_t worker;
  double begin;   // in seconds of the steady clock
  double working; // seconds until this worker was done
  double seconds; // until all were
};

// One target of an artifact in the memory of a device, and the step that is set. Used from one thread.
class LoadedProgram {
public:
  LoadedProgram(const fb::Model &model, const fb::TargetProgram &target, MemoryPlan &&plan);
  virtual ~LoadedProgram() = default;

  const fb::Model &model() const { return modelTable; }
  const fb::TargetProgram &target() const { return targetTable; }
  const MemoryPlan &plan() const { return memory; }

  // Checks the batch against the plan and makes it the batch of what runs next.
  Expected<void> setStep(const Step &step);
  // Runs every launch over the step that is set; the outputs can then be read.
  virtual Expected<void> run() = 0;
  // Runs one launch alone, on what its operands hold.
  virtual Expected<void> runLaunch(uint32_t launch) = 0;
  // The dims of what runs next, without a batch: for one launch whose operands were written one by one.
  virtual void setDims(const StepDims &dims) = 0;

  // Copies bytes out of and into one of the target's buffers. An error where the range is not inside the buffer.
  Expected<void> read(uint32_t buffer, uint64_t offset, void *to, uint64_t bytes);
  Expected<void> write(uint32_t buffer, uint64_t offset, const void *from, uint64_t bytes);

  // The index of an output; the loader has seen to it that it is there.
  uint32_t outputBuffer(StepOutput output) const { return outputs[static_cast<size_t>(output)]; }

  // Keeps the time of every kernel's runs from now on, from none; off at first.
  virtual void profile(bool on) = 0;
  // Since profile(true); each worker's in the order of time.
  virtual std::vector<KernelSpan> spans() const = 0;

protected:
  virtual Expected<void> upload(MemoryRange range, const void *from) = 0;
  virtual Expected<void> download(MemoryRange range, void *to) = 0;

private:
  Expected<MemoryRange> rangeOf(uint32_t buffer, uint64_t offset, uint64_t bytes) const;

  const fb::Model &modelTable; // in the artifact, which outlives this
  const fb::TargetProgram &targetTable;
  MemoryPlan memory;
  std::array<uint32_t, stepInputNames.size()> inputs; // UINT32_MAX where the target does not take one
  std::array<uint32_t, stepOutputNames.size()> outputs;
};

// The most that a device computes, measured now; 0 where it is not measured.
struct DevicePeaks {
  double f32FlopsPerSecond = 0;
  double bf16FlopsPerSecond = 0;
  double int8OpsPerSecond = 0;
};

struct Transfer {
  double bytes = 0, seconds = 0;

  void add(const Transfer &other) {
    bytes += other.bytes;
    seconds += other.seconds;
  }
  double rate() const { return seconds > 0 ? bytes / seconds : 0; }
};

// Measures the bandwidth of a device's memory time and again: where others share the memory, it changes from one moment
// to the next, and what it was is known only from samples taken between the steps that it is to judge.
class BandwidthProbe {
public:
  virtual ~BandwidthProbe() = default;

  // What a sample does: "read", "copy" (bytes read and bytes written).
  virtual std::string_view kind() const = 0;
  // One pass over more memory than caches hold, in milliseconds.
  virtual Expected<Transfer> sample() = 0;
};

class Device {
public:
  virtual ~Device() = default;

  // One line for people: what it is.
  virtual std::string describe() const = 0;
  // The target to compile a model for that is to run here.
  virtual std::string targetToCompile() const = 0;

  // The target of the artifact that suits this machine best; an error says what is there and what would be needed.
  virtual Expected<uint32_t> chooseTarget(const Artifact &artifact) const = 0;
  // The plan of what load() would allocate.
  virtual Expected<MemoryPlan> plan(const Artifact &artifact, uint32_t target, const LoadOptions &options) const = 0;
  // Bytes that a program could have now.
  virtual Expected<uint64_t> freeMemory() const = 0;
  // The artifact must outlive the program.
  virtual Expected<std::unique_ptr<LoadedProgram>> load(const Artifact &artifact, uint32_t target,
                                                        const LoadOptions &options) = 0;
  // Beside a loaded program, with as many threads and what memory it leaves.
  virtual Expected<DevicePeaks> probe(const LoadedProgram &program) = 0;
  // Null where the device has none.
  virtual Expected<std::unique_ptr<BandwidthProbe>> bandwidthProbe(const LoadedProgram &program) = 0;
};

// Opens a device by its name: a word, and where the machine has several of a kind their number ("cuda:1"; without one
// the first). "auto" is the first that there is of cuda, hip, cpu.
Expected<std::unique_ptr<Device>> openDevice(const std::string &name);
// The words that openDevice knows, but for "auto".
std::vector<std::string> deviceNames();

struct OpenedDevice {
  std::string name; // never "auto"
  std::unique_ptr<Device> device;
  uint32_t target; // of the artifact
};
// Opens a device for an artifact: "auto" passes over those that the artifact has no code for.
Expected<OpenedDevice> openDeviceFor(const Artifact &artifact, const std::string &name);

// "takes 12 MiB of memory (7 of weights, 4 of KV cache) on cuda:0, 10 MiB are free; ..." where that is so. Mapped
// weights take none.
Expected<void> checkMemory(const MemoryPlan &plan, uint64_t free, const std::string &path, const std::string &device,
                           bool mapWeights = false);

// The plan of a target on a device of its kind, which need not be there.
Expected<MemoryPlan> planTarget(const Artifact &artifact, uint32_t target, const LoadOptions &options);

struct FoundDevice {
  std::string name;
  std::string description; // or why there is none
  bool present;
};
// All devices of this machine, and a line for each kind that it has none of.
std::vector<FoundDevice> findDevices();

} // namespace quipu
