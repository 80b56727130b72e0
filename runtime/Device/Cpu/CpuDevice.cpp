#include "runtime/Device/Cpu/CpuDevice.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Device/Cpu/CpuFeatures.h"
#include "runtime/Device/Cpu/CpuProgram.h"
#include "runtime/Device/Cpu/Probe.h"
#include "runtime/Device/Cpu/Topology.h"

namespace quipu {

namespace cpu {

namespace {

bool isCpuTarget(std::string_view name) { return name == "cpu" || name.substr(0, 4) == "cpu:"; }

std::vector<std::string> missingFeatures(const fb::TargetProgram &target, const std::set<std::string> &features) {
  std::vector<std::string> missing;
  for (uint32_t i = 0; i < sizeOf(target.features()); ++i)
    if (std::string feature = target.features()->Get(i)->str(); !features.count(feature))
      missing.push_back(std::move(feature));
  return missing;
}

class CpuDevice : public Device {
public:
  std::string describe() const override {
    return fmt::format("{} cores, {:.1f} GiB free", availableCores(),
                       static_cast<double>(availableMemory()) / (1 << 30));
  }
  std::string targetToCompile() const override { return "cpu"; }

  Expected<uint32_t> chooseTarget(const Artifact &artifact) const override {
    return cpu::chooseTarget(artifact, detectFeatures());
  }

  Expected<MemoryPlan> plan(const Artifact &artifact, uint32_t target, const LoadOptions &options) const override {
    return cpu::planMemory(artifact, target, options);
  }

  Expected<uint64_t> freeMemory() const override { return availableMemory(); }

  Expected<std::unique_ptr<LoadedProgram>> load(const Artifact &artifact, uint32_t target,
                                                const LoadOptions &options) override {
    Expected<MemoryPlan> memory = plan(artifact, target, options);
    if (!memory)
      return passError(std::move(memory));
    return CpuProgram::load(artifact, target, std::move(*memory), options);
  }

  Expected<DevicePeaks> probe(const LoadedProgram &program) override { return probePeaks(program.plan().workers); }
  Expected<std::unique_ptr<BandwidthProbe>> bandwidthProbe(const LoadedProgram &program) override {
    return ReadProbe::start(program.plan().workers);
  }
};

} // namespace

Expected<MemoryPlan> planMemory(const Artifact &artifact, uint32_t target, const LoadOptions &options) {
  MemoryOptions memory;
  memory.maxContext = options.maxContext;
  memory.maxSequences = options.maxSequences;
  memory.kvPages = options.kvPages;
  memory.workers = options.threads ? options.threads : availableCores();
  return quipu::planMemory(artifact, target, memory);
}

Expected<uint32_t> chooseTarget(const Artifact &artifact, const std::set<std::string> &features) {
  uint32_t best = UINT32_MAX, mostFeatures = 0;
  std::vector<std::string> refused;
  const auto &targets = *artifact.program().targets();
  for (uint32_t i = 0; i < targets.size(); ++i) {
    const fb::TargetProgram &target = *targets[i];
    if (std::string_view name = target.target()->string_view(); !isCpuTarget(name)) {
      refused.push_back(fmt::format("'{}' is for --device {}", name, name.substr(0, name.find(':'))));
      continue;
    }
    std::vector<std::string> missing = missingFeatures(target, features);
    if (!missing.empty()) {
      refused.push_back(
          fmt::format("'{}' needs {}, not there", target.target()->string_view(), fmt::join(missing, ", ")));
    } else if (best == UINT32_MAX || sizeOf(target.features()) > mostFeatures) {
      best = i;
      mostFeatures = sizeOf(target.features());
    }
  }
  if (best == UINT32_MAX)
    return makeError("{}: no target of it runs on this CPU: {}; compile it with --target cpu", artifact.path(),
                     fmt::join(refused, "; "));
  return best;
}

} // namespace cpu

Expected<std::unique_ptr<Device>> openCpuDevice() { return std::make_unique<cpu::CpuDevice>(); }

} // namespace quipu
