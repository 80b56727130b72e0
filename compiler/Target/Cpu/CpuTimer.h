// Kernels of a CPU target, measured on this one.
#pragma once

#include "compiler/Target/CandidateTimer.h"
#include "compiler/Target/Cpu/Chip.h"

namespace quipu::cpu {

// Errors: this machine is another chip, the threads cannot be had.
Expected<std::unique_ptr<CandidateTimer>> createTimer(const Chip &chip, unsigned threads);

} // namespace quipu::cpu
