// AMD's GPUs as targets of the compiler.
#pragma once

#include "compiler/Target/Target.h"

namespace quipu {

// "gfx942"; empty: an error that lists the chips, since the compiler asks no device.
Expected<std::unique_ptr<Target>> findHipTarget(std::string_view chip);

} // namespace quipu
