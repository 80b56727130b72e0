// What code generation knows of a GPU. The tables of chips are compiler/Target/Cuda/Chips.cpp and
// compiler/Target/Hip/Chips.cpp: checked-in data, so that a compile gives the same code on every machine.
#pragma once

#include <cstdint>
#include <string>

namespace quipu::gpu {

enum class Vendor { Nvidia, Amd };

// The matrix instructions of bf16 and f16 with f32 sums. A Wgmma chip has those of MmaSync as well, an MfmaWide chip
// those of Mfma.
enum class Matrix { None, MmaSync, Wgmma, Mfma, MfmaWide, WmmaRdna3, WmmaRdna4 };

// Copies from global to shared memory that pass by the registers. Bulk (cp.async.bulk with an mbarrier) includes
// CpAsync.
enum class AsyncCopy { None, CpAsync, Bulk };

struct Chip {
  std::string name; // "sm_90a", "gfx942"
  Vendor vendor = Vendor::Nvidia;
  int waveWidth = 32; // threads of a warp or wave
  Matrix matrix = Matrix::None;
  AsyncCopy asyncCopy = AsyncCopy::None;
  bool hasBf16Matrix = false; // the matrix instructions take bf16, not f16 alone
  bool earlyStart = false;    // a kernel may start before the one in front of it ends, and waits for it itself
  bool hasDotF16 = false;     // v_dot2_f32_f16; of use where there are no matrix instructions
  int computeUnits = 1;       // streaming multiprocessors, or compute units (RDNA: two to a work-group processor)
  int64_t sharedPerBlock = 48 << 10; // what a block may ask for, the opt-in limit included
  int64_t sharedPerUnit = 48 << 10;
  int64_t registersPerUnit = 64 << 10; // 32-bit vector registers, all lanes counted
  int registersPerThread = 255;
  int threadsPerUnit = 2048;
  int64_t l2Bytes = 4 << 20;
  int64_t memoryBytesPerClock = 400; // of the whole chip

  // Everything code generation depends on, one line; part of the compile cache's key.
  std::string print() const;
};

} // namespace quipu::gpu
