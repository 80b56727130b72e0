#include "compiler/Target/Cuda/Chips.h"

#include "compiler/Codegen/Gpu/FindChip.h"

namespace quipu::cuda {

namespace {

using gpu::AsyncCopy;
using gpu::Matrix;

struct Row {
  const char *name;
  Matrix matrix;
  AsyncCopy asyncCopy;
  int multiprocessors;
  int64_t sharedKiB; // of a multiprocessor; a block may have all but one KiB
  int threads;       // resident on a multiprocessor
  int64_t l2MiB;
  int64_t memoryBytesPerClock;
};

// Limits: "CUDA C++ Programming Guide", technical specifications by compute capability. Multiprocessors, L2 and
// memory bandwidth (by the boost clock) are those of the product named, from its white paper; they guide how work is
// split and are no condition.
constexpr Row rows[] = {
    {"sm_80", Matrix::MmaSync, AsyncCopy::CpAsync, 108, 164, 2048, 40, 1400}, // A100
    {"sm_86", Matrix::MmaSync, AsyncCopy::CpAsync, 84, 100, 1536, 6, 450},    // A40, RTX 3090
    {"sm_89", Matrix::MmaSync, AsyncCopy::CpAsync, 128, 100, 1536, 72, 400},  // RTX 4090, L40S
    {"sm_90a", Matrix::Wgmma, AsyncCopy::Bulk, 132, 228, 2048, 50, 1900},     // H100, H200
    {"sm_100a", Matrix::MmaSync, AsyncCopy::Bulk, 148, 228, 2048, 126, 4200}, // B200
    {"sm_120a", Matrix::MmaSync, AsyncCopy::Bulk, 170, 100, 1536, 96, 740},   // RTX 5090
};

gpu::Chip describe(const Row &row) {
  gpu::Chip chip;
  chip.name = row.name;
  chip.vendor = gpu::Vendor::Nvidia;
  chip.waveWidth = 32;
  chip.matrix = row.matrix;
  chip.asyncCopy = row.asyncCopy;
  chip.hasBf16Matrix = true;
  chip.earlyStart = row.asyncCopy == AsyncCopy::Bulk; // both came with compute capability 9.0
  chip.computeUnits = row.multiprocessors;
  chip.sharedPerUnit = row.sharedKiB << 10;
  chip.sharedPerBlock = (row.sharedKiB - 1) << 10;
  chip.registersPerUnit = 64 << 10;
  chip.registersPerThread = 255;
  chip.threadsPerUnit = row.threads;
  chip.l2Bytes = row.l2MiB << 20;
  chip.memoryBytesPerClock = row.memoryBytesPerClock;
  return chip;
}

} // namespace

const std::vector<gpu::Chip> &chips() {
  static const std::vector<gpu::Chip> &all = gpu::makeChips(rows, describe);
  return all;
}

Expected<gpu::Chip> findChip(std::string_view name) { return gpu::findChip(chips(), name, "cuda"); }

} // namespace quipu::cuda
