// The CPU as a target of the compiler: kernels become one ELF shared object.
#pragma once

#include "compiler/Target/Target.h"

namespace quipu {

// An empty name is this host's chip.
Expected<std::unique_ptr<Target>> findCpuTarget(std::string_view chip);

} // namespace quipu
