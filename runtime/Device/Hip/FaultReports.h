// At a memory fault of a kernel ROCm ends the process before any call of the driver gives an error. What a program was
// at is told here, on the standard error output, just before that; ROCm's own message comes behind it.
#pragma once

#include "runtime/Device/Gpu/DriverLibrary.h"

#include <functional>
#include <string>

namespace quipu::hip {

// From now on faults are reported, once for the process. Nothing where the library's ROCm has no such call. After the
// library has been started.
void listenForFaults(const gpu::DriverLibrary &library);

// What `program` says when a fault comes, which may be in another thread; an empty text says nothing. Null: no longer.
void reportFaults(const void *program, const std::function<std::string()> &whatRan);

} // namespace quipu::hip
