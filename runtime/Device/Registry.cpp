#include "runtime/Device/Cpu/CpuDevice.h"
#include "runtime/Device/Cuda/CudaDevice.h"
#include "runtime/Device/Cuda/CudaDriver.h"
#include "runtime/Device/Device.h"
#include "runtime/Device/Hip/HipDevice.h"
#include "runtime/Device/Hip/HipDriver.h"
#include "runtime/Device/Null/NullDevice.h"
#include "runtime/Device/Simt/SimtDevice.h"

#include <array>
#include <charconv>

namespace quipu {

namespace {

Expected<int> one() { return 1; }

struct Row {
  std::string_view name;
  bool numbered; // a machine may have several
  Expected<std::unique_ptr<Device>> (*open)(int ordinal);
  Expected<int> (*count)();
  Expected<MemoryPlan> (*plan)(const Artifact &artifact, uint32_t target, const LoadOptions &options);
};

// A backend is one word, the same here, in its folder and in the names of its targets.
constexpr std::array<Row, 5> rows = {{
    {"cpu", false, [](int) { return openCpuDevice(); }, one, cpu::planMemory},
    {"cuda", true, openCudaDevice, cuda::countDevices, gpu::planMemory},
    {"hip", true, openHipDevice, hip::countDevices, gpu::planMemory},
    {"null", false, [](int) { return openNullDevice(); }, one, cpu::planMemory},
    {"simt", false, [](int) { return openSimtDevice(); }, one, gpu::planMemory},
}};

// What "auto" tries, in this order.
constexpr std::array<std::string_view, 3> automatic = {"cuda", "hip", "cpu"};

const Row *findRow(std::string_view word) {
  for (const Row &row : rows)
    if (row.name == word)
      return &row;
  return nullptr;
}

Expected<std::unique_ptr<Device>> openRow(const Row &row, const std::string &name, int ordinal) {
  Expected<std::unique_ptr<Device>> device = row.open(ordinal);
  if (!device)
    return makeError("device '{}': {}", name, device.error().message);
  return device;
}

} // namespace

Expected<std::unique_ptr<Device>> openDevice(const std::string &name) {
  if (name == "auto") {
    Expected<std::unique_ptr<Device>> device = makeError("no device");
    for (std::string_view word : automatic)
      if (device = openDevice(std::string(word)); device)
        break;
    return device;
  }
  size_t colon = name.find(':');
  const Row *row = findRow(name.substr(0, colon));
  if (!row)
    return makeError("device '{}' is unknown: there are auto, {}", name, fmt::join(deviceNames(), ", "));
  int ordinal = 0;
  if (colon != std::string::npos) {
    if (!row->numbered)
      return makeError("device '{}': '{}' has no numbers", name, row->name);
    const char *begin = name.data() + colon + 1, *end = name.data() + name.size();
    auto parsed = std::from_chars(begin, end, ordinal);
    if (parsed.ec != std::errc() || parsed.ptr != end || ordinal < 0)
      return makeError("device '{}': '{}' is no number of a device, as in {}:0", name, name.substr(colon + 1),
                       row->name);
  }
  return openRow(*row, name, ordinal);
}

std::vector<std::string> deviceNames() {
  std::vector<std::string> names;
  for (const Row &row : rows)
    names.emplace_back(row.name);
  return names;
}

// Devices without code in the artifact are not asked: what they lack is no reason that it cannot run.
static std::vector<std::string> automaticFor(const Artifact &artifact) {
  std::vector<std::string> candidates;
  for (std::string_view word : automatic)
    for (const fb::TargetProgram *target : *artifact.program().targets())
      if (std::string_view chip = target->target()->string_view(); chip.substr(0, chip.find(':')) == word) {
        candidates.emplace_back(word);
        break;
      }
  return candidates.empty() ? std::vector<std::string>{"cpu"} : candidates;
}

Expected<OpenedDevice> openDeviceFor(const Artifact &artifact, const std::string &name) {
  std::vector<std::string> candidates = name == "auto" ? automaticFor(artifact) : std::vector<std::string>{name};
  std::vector<std::string> reasons;
  for (const std::string &candidate : candidates) {
    Expected<std::unique_ptr<Device>> device = openDevice(candidate);
    if (!device) {
      reasons.push_back(device.error().message);
      continue;
    }
    Expected<uint32_t> target = (*device)->chooseTarget(artifact);
    if (target)
      return OpenedDevice{candidate, std::move(*device), *target};
    reasons.push_back(target.error().message);
  }
  return makeError("{}", fmt::join(reasons, "; "));
}

Expected<MemoryPlan> planTarget(const Artifact &artifact, uint32_t target, const LoadOptions &options) {
  std::string_view name = artifact.program().targets()->Get(target)->target()->string_view();
  const Row *row = findRow(name.substr(0, name.find(':')));
  if (!row)
    return makeError("{}: target '{}' is for a device that this program does not know", artifact.path(), name);
  return row->plan(artifact, target, options);
}

std::vector<FoundDevice> findDevices() {
  std::vector<FoundDevice> found;
  for (const Row &row : rows) {
    Expected<int> count = row.count();
    if (!count || *count == 0)
      found.push_back({std::string(row.name), count ? "this machine has none" : count.error().message, false});
    for (int ordinal = 0; count && ordinal < *count; ++ordinal) {
      std::string name = row.numbered ? fmt::format("{}:{}", row.name, ordinal) : std::string(row.name);
      Expected<std::unique_ptr<Device>> device = row.open(ordinal);
      found.push_back({name, device ? (*device)->describe() : device.error().message, device.has_value()});
    }
  }
  return found;
}

} // namespace quipu
