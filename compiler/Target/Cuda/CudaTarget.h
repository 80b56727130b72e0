// NVIDIA's GPUs as targets of the compiler.
#pragma once

#include "compiler/Target/Target.h"

namespace quipu {

// "sm_90a"; empty: an error that lists the chips, since the compiler asks no device.
Expected<std::unique_ptr<Target>> findCudaTarget(std::string_view chip);

} // namespace quipu
