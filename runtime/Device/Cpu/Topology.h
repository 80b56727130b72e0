#pragma once

#include <cstdint>

namespace quipu::cpu {

// Physical cores that this process may use: its affinity mask, one thread a core, and no more than its control group's
// CPU quota, rounded up. At least 1.
unsigned availableCores();

// CPUs that this process may use, hyperthreads counted, without regard to a quota. At least 1.
unsigned availableCpus();

// Bytes that the system says can be had without pushing other programs out, at most what the control groups leave;
// UINT64_MAX where neither says.
uint64_t availableMemory();

} // namespace quipu::cpu
