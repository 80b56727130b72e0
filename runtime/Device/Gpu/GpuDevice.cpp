#include "runtime/Device/Gpu/GpuDevice.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Device/Gpu/CopyProbe.h"
#include "runtime/Device/Gpu/GpuProgram.h"

#include <algorithm>
#include <charconv>

namespace quipu::gpu {

namespace {

constexpr std::string_view driverFeature = "cuda-"; // and the oldest version a driver may have

// "12.4"; nothing where it is no version.
std::optional<std::array<int, 2>> parseVersion(std::string_view text) {
  std::array<int, 2> version = {};
  const char *end = text.end();
  auto major = std::from_chars(text.begin(), end, version[0]);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.')
    return std::nullopt;
  auto minor = std::from_chars(major.ptr + 1, end, version[1]);
  if (minor.ec != std::errc() || minor.ptr != end)
    return std::nullopt;
  return version;
}

// Whether every kernel of a target has text for later chips.
bool isPortable(const Artifact &artifact, const fb::TargetProgram &target) {
  Expected<CodeBundle> bundle = CodeBundle::read(artifact.code(target.code_section()));
  return bundle && std::none_of(bundle->kernels().begin(), bundle->kernels().end(),
                                [](const CodeBundle::Kernel &kernel) { return kernel.portable.empty(); });
}

class GpuDevice : public Device {
public:
  GpuDevice(std::shared_ptr<GpuDriver> driver, const Backend &backend) : driver(std::move(driver)), backend(backend) {}

  std::string describe() const override {
    const DeviceInfo &info = driver->info();
    return fmt::format("{} ({}), {:.1f} GiB, driver {}", info.name, info.chip,
                       static_cast<double>(info.memory) / (1 << 30), info.driver);
  }
  std::string targetToCompile() const override {
    return fmt::format("{}:{}", backend.name, backend.chipToCompileFor(driver->info()));
  }

  Expected<uint32_t> chooseTarget(const Artifact &artifact) const override;
  Expected<MemoryPlan> plan(const Artifact &artifact, uint32_t target, const LoadOptions &options) const override {
    return gpu::planMemory(artifact, target, options);
  }
  Expected<uint64_t> freeMemory() const override {
    Expected<void> used = driver->useFromThisThread();
    return used ? driver->freeMemory() : passError(std::move(used));
  }
  Expected<std::unique_ptr<LoadedProgram>> load(const Artifact &artifact, uint32_t target,
                                                const LoadOptions &options) override;
  Expected<DevicePeaks> probe(const LoadedProgram &) override { return DevicePeaks(); }
  Expected<std::unique_ptr<BandwidthProbe>> bandwidthProbe(const LoadedProgram &) override {
    return startCopyProbe(driver);
  }

private:
  std::optional<CodeFit> fitOf(const Artifact &artifact, const fb::TargetProgram &target) const;

  std::shared_ptr<GpuDriver> driver;
  Backend backend;
};

std::optional<CodeFit> GpuDevice::fitOf(const Artifact &artifact, const fb::TargetProgram &target) const {
  std::string_view name = target.target()->string_view();
  size_t colon = name.find(':');
  if (name.substr(0, colon) != backend.name || colon == std::string_view::npos)
    return std::nullopt;
  return backend.fit(driver->info(), name.substr(colon + 1), isPortable(artifact, target));
}

Expected<uint32_t> GpuDevice::chooseTarget(const Artifact &artifact) const {
  const DeviceInfo &info = driver->info();
  const auto &targets = *artifact.program().targets();
  uint32_t best = UINT32_MAX;
  int bestRank = 0;
  std::vector<std::string> refused;
  for (uint32_t i = 0; i < targets.size(); ++i) {
    std::string_view name = targets[i]->target()->string_view();
    std::optional<CodeFit> fit = fitOf(artifact, *targets[i]);
    std::vector<std::string> missing = missingFeatures(*targets[i], info);
    if (!fit)
      refused.push_back(fmt::format("'{}'", name));
    else if (!missing.empty())
      refused.push_back(fmt::format("'{}', which needs {} (it has {})", name, fmt::join(missing, ", "), info.driver));
    else if (best == UINT32_MAX || fit->rank > bestRank)
      best = i, bestRank = fit->rank;
  }
  if (best == UINT32_MAX)
    return makeError("{}: has no code for {}, {} ({}); it has {}; compile it with --target {}", artifact.path(),
                     info.device, info.name, info.chip, fmt::join(refused, ", "), targetToCompile());
  return best;
}

Expected<std::unique_ptr<LoadedProgram>> GpuDevice::load(const Artifact &artifact, uint32_t target,
                                                         const LoadOptions &options) {
  Expected<MemoryPlan> memory = plan(artifact, target, options);
  if (!memory)
    return passError(std::move(memory));
  const fb::TargetProgram &program = *artifact.program().targets()->Get(target);
  std::optional<CodeFit> fit = fitOf(artifact, program);
  if (!fit)
    return makeError("{}: target '{}' is not for {} ({})", artifact.path(), program.target()->str(),
                     driver->info().device, driver->info().chip);
  return GpuProgram::load(driver, artifact, target, std::move(*memory), options, fit->kind);
}

} // namespace

Expected<MemoryPlan> planMemory(const Artifact &artifact, uint32_t target, const LoadOptions &options) {
  constexpr bool stepDims = true; // kernels read them from memory
  Expected<MemoryPlan> plan = quipu::planMemory(
      artifact, target, {options.maxContext, options.maxSequences, options.kvPages, /*workers=*/1, stepDims});
  if (plan)
    plan->staging = GpuProgram::stagingOf(artifact, *artifact.program().targets()->Get(target), *plan, options);
  return plan;
}

std::vector<std::string> missingFeatures(const fb::TargetProgram &target, const DeviceInfo &device) {
  std::vector<std::string> missing;
  for (uint32_t i = 0; i < sizeOf(target.features()); ++i) {
    std::string_view feature = target.features()->Get(i)->string_view();
    std::string_view name = target.target()->string_view();
    if (feature == name.substr(name.find(':') + 1)) // the chip: CodeFit has said whether that is there
      continue;
    std::optional<std::array<int, 2>> version;
    if (feature.substr(0, driverFeature.size()) == driverFeature)
      version = parseVersion(feature.substr(driverFeature.size()));
    if (!version || device.driverVersion < *version)
      missing.emplace_back(feature);
  }
  return missing;
}

std::unique_ptr<Device> makeGpuDevice(std::shared_ptr<GpuDriver> driver, const Backend &backend) {
  return std::make_unique<GpuDevice>(std::move(driver), backend);
}

} // namespace quipu::gpu
