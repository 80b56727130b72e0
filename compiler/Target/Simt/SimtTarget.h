#pragma once

#include "compiler/Target/Target.h"

#include <memory>
#include <string_view>

namespace quipu {

// A GPU's kernels as the Simt device runs them on the host, by the name of a CUDA or HIP chip: "sm_90a", "gfx942".
Expected<std::unique_ptr<Target>> findSimtTarget(std::string_view chip);

} // namespace quipu
