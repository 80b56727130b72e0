// AMD GPUs.
#pragma once

#include "runtime/Device/Gpu/GpuDevice.h"

namespace quipu {

Expected<std::unique_ptr<Device>> openHipDevice(int ordinal);

namespace hip {

// A code object runs on the chip it was made for.
std::optional<gpu::CodeFit> fitOf(const gpu::DeviceInfo &device, std::string_view chip, bool portable);

} // namespace hip
} // namespace quipu
