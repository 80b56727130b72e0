// AMD machine code without the machine: kernels compiled for a chip and run by the instruction emulator of a tinygrad
// checkout, through amd_emulator.py.
#pragma once

#include "test/Conformance/Gpu/KernelTable.h"

#include <map>

namespace quipu::gpu::conformance {

// Whether $TINYGRAD_DIR is set.
bool hasAmdEmulator();

// What became of a row.
struct EmulatedRow {
  std::string message; // empty where its kernels ran, and then the outputs are in the problem
  Problem problem;
};

// Compiles every row for the chip and runs it on the smallest of its sizes above 1. By name of the row.
Expected<std::map<std::string, EmulatedRow>> emulate(const std::vector<KernelRow> &rows, const Chip &chip);

} // namespace quipu::gpu::conformance
