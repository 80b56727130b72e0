// NVIDIA's driver, libcuda.so.1, which comes with every driver installation; no CUDA toolkit is used. Functions and
// numbers are declared from the documentation of the driver API.
#pragma once

#include "runtime/Device/Gpu/VendorDriver.h"

#include <memory>

namespace quipu::cuda {

// Opens a device by its number. Errors: no library, one too old, no such device, a context that cannot be had.
Expected<std::unique_ptr<gpu::GpuDriver>> openDriver(int ordinal);
// How many devices there are.
Expected<int> countDevices();

} // namespace quipu::cuda
