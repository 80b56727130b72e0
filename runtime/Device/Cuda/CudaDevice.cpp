#include "runtime/Device/Cuda/CudaDevice.h"

#include "runtime/Device/Cuda/CudaDriver.h"

#include <charconv>

namespace quipu {

namespace cuda {

namespace {

// "sm_90a": 9, 0, 'a'.
struct Chip {
  std::array<int, 2> capability;
  char suffix; // 0: none
};

std::optional<Chip> parseChip(std::string_view name) {
  if (name.substr(0, 3) != "sm_")
    return std::nullopt;
  name.remove_prefix(3);
  Chip chip = {{}, 0};
  if (!name.empty() && (name.back() == 'a' || name.back() == 'f')) {
    chip.suffix = name.back();
    name.remove_suffix(1);
  }
  int number = 0;
  auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size() || number < 10)
    return std::nullopt;
  chip.capability = {number / 10, number % 10};
  return chip;
}

} // namespace

std::optional<gpu::CodeFit> fitOf(const gpu::DeviceInfo &device, std::string_view name, bool portable) {
  std::optional<Chip> chip = parseChip(name);
  if (!chip)
    return std::nullopt;
  const auto &[major, minor] = chip->capability;
  bool sameMajor = major == device.capability[0];
  bool native = sameMajor && (chip->suffix == 'a' ? minor == device.capability[1] : minor <= device.capability[1]);
  // Native code first, then the nearest chip, then what is for that chip alone.
  int nearness = 16 * (10 * major + minor) + (chip->suffix == 'a' ? 2 : chip->suffix == 'f' ? 1 : 0);
  constexpr int nativeRank = 1 << 16;
  if (native)
    return gpu::CodeFit{nativeRank + nearness, ImageKind::Native};
  if (portable && chip->suffix == 0 && chip->capability <= device.capability)
    return gpu::CodeFit{nearness, ImageKind::Portable};
  return std::nullopt;
}

std::string chipToCompileFor(const gpu::DeviceInfo &device) {
  return device.chip + (device.capability[0] >= 9 ? "a" : "");
}

} // namespace cuda

Expected<std::unique_ptr<Device>> openCudaDevice(int ordinal) {
  Expected<std::unique_ptr<gpu::GpuDriver>> driver = cuda::openDriver(ordinal);
  if (!driver)
    return passError(std::move(driver));
  return gpu::makeGpuDevice(std::move(*driver), {"cuda", cuda::fitOf, cuda::chipToCompileFor});
}

} // namespace quipu
