#include "runtime/Device/Hip/HipDevice.h"

#include "runtime/Device/Hip/HipDriver.h"

namespace quipu {

std::optional<gpu::CodeFit> hip::fitOf(const gpu::DeviceInfo &device, std::string_view chip, bool) {
  if (chip != device.chip)
    return std::nullopt;
  return gpu::CodeFit{0, ImageKind::Native};
}

Expected<std::unique_ptr<Device>> openHipDevice(int ordinal) {
  Expected<std::unique_ptr<gpu::GpuDriver>> driver = hip::openDriver(ordinal);
  if (!driver)
    return passError(std::move(driver));
  auto sameChip = [](const gpu::DeviceInfo &device) { return device.chip; };
  return gpu::makeGpuDevice(std::move(*driver), {"hip", hip::fitOf, sameChip});
}

} // namespace quipu
