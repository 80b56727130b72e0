// How fast a GPU copies within its own memory.
#pragma once

#include "runtime/Device/Device.h"
#include "runtime/Device/Gpu/GpuDriver.h"

#include <memory>

namespace quipu::gpu {

// A probe that copies half of a block, 2 GiB or a quarter of the free memory, to its other half: every byte is read
// once and written once.
Expected<std::unique_ptr<BandwidthProbe>> startCopyProbe(std::shared_ptr<GpuDriver> driver);

} // namespace quipu::gpu
