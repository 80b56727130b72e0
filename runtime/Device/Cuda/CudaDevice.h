// NVIDIA GPUs.
#pragma once

#include "runtime/Device/Gpu/GpuDevice.h"

namespace quipu {

Expected<std::unique_ptr<Device>> openCudaDevice(int ordinal);

namespace cuda {

// Code for sm_XY runs on chips of the same X and a Y not less; for sm_XYa on that chip alone; for sm_XYf on its family.
// Text for later chips runs on all that are not older, unless it is for one chip alone.
std::optional<gpu::CodeFit> fitOf(const gpu::DeviceInfo &device, std::string_view chip, bool portable);
// From 9.0 on the matrix instructions belong to one chip each.
std::string chipToCompileFor(const gpu::DeviceInfo &device);

} // namespace cuda
} // namespace quipu
