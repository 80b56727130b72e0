// AMD code objects: what their metadata note says of a kernel.
#pragma once

#include "compiler/Target/Gpu/DeviceCompiler.h"

#include <string>

namespace quipu::hip {

// From the note NT_AMDGPU_METADATA (LLVM's "User Guide for AMDGPU Backend", code object V3 and later). Errors: no ELF
// file, no such note, or no such kernel in it.
Expected<gpu::Resources> readCodeObject(const std::string &object, const std::string &symbol);

} // namespace quipu::hip
