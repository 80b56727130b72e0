// What a GPU kernel takes of the chip, as its compiler reports it.
#pragma once

#include <cstdint>

namespace quipu::gpu {

struct Resources {
  bool known = false;    // PTX has none yet: the driver allocates registers
  int64_t registers = 0; // 32-bit vector registers of a thread, accumulation registers included
  int64_t scalarRegisters = 0;
  int64_t sharedBytes = 0; // static shared memory of a block
  int64_t stackBytes = 0;  // local memory of a thread
  int64_t spills = 0;      // registers that went to memory: bytes (NVIDIA) or registers (AMD)
  int64_t serialized = 0;  // advice of ptxas that wgmma runs one by one, its sums being touched meanwhile
};

} // namespace quipu::gpu
