#include "runtime/Device/Simt/SimtDevice.h"

#include "runtime/Device/Gpu/GpuDevice.h"
#include "runtime/Device/Simt/SimtDriver.h"

namespace quipu {

namespace {

// Code for any chip runs; the first of an artifact's targets is taken.
std::optional<gpu::CodeFit> fitOf(const gpu::DeviceInfo &, std::string_view, bool) {
  return gpu::CodeFit{1, ImageKind::Native};
}

std::string chipToCompileFor(const gpu::DeviceInfo &) { return "sm_90a"; }

} // namespace

Expected<std::unique_ptr<Device>> openSimtDevice() {
  Expected<std::unique_ptr<simt::SimtDriver>> driver = simt::SimtDriver::open();
  if (!driver)
    return passError(std::move(driver));
  return gpu::makeGpuDevice(std::move(*driver), {"simt", fitOf, chipToCompileFor});
}

} // namespace quipu
