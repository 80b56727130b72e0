// A device for debugging and tests: GPU kernels on the host, thread by thread. It finds mistakes that a GPU hides
// (Block.h), and is some thousand times slower than one.
#pragma once

#include "runtime/Device/Device.h"

namespace quipu {

Expected<std::unique_ptr<Device>> openSimtDevice();

} // namespace quipu
