// AMD's driver as libamdhip64 gives it. Functions and numbers are declared from HIP's documentation.
#pragma once

#include "runtime/Device/Gpu/VendorDriver.h"

#include <memory>

namespace quipu::hip {

// Opens a device by its number. Errors: no library, one too old, no such device.
Expected<std::unique_ptr<gpu::GpuDriver>> openDriver(int ordinal);
// How many devices there are.
Expected<int> countDevices();

} // namespace quipu::hip
