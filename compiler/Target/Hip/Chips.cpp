#include "compiler/Target/Hip/Chips.h"

#include "compiler/Codegen/Gpu/FindChip.h"

namespace quipu::hip {

namespace {

using gpu::Matrix;

struct Row {
  const char *name;
  int waveWidth;
  Matrix matrix;
  int computeUnits;
  int64_t ldsKiB;          // of a compute unit, and the most a work-group may have
  int64_t vectorRegisters; // of one lane of a SIMD unit, shared by its waves; CDNA: accumulation registers included
  int registersPerThread;
  int simds;     // in a compute unit
  int waves;     // resident on a SIMD unit
  int64_t l2KiB; // of a die
  int64_t memoryBytesPerClock;
};

// Registers, LDS and waves: the instruction set manuals of CDNA 2 to 4 and RDNA 2 to 4, and LLVM's GCNSubtarget.
// Compute units, L2 and memory bandwidth (by the peak clock) are those of the product named; they guide how work is
// split and are no condition.
constexpr Row rows[] = {
    {"gfx90a", 64, Matrix::Mfma, 104, 64, 512, 512, 4, 8, 8192, 960},        // MI210, a die of MI250X
    {"gfx942", 64, Matrix::Mfma, 304, 64, 512, 512, 4, 8, 4096, 2520},       // MI300X: eight dies
    {"gfx950", 64, Matrix::MfmaWide, 256, 160, 512, 512, 4, 8, 4096, 3300},  // MI355X: eight dies
    {"gfx1030", 32, Matrix::None, 80, 64, 1024, 256, 2, 16, 4096, 230},      // RX 6900 XT, PRO W6800
    {"gfx1100", 32, Matrix::WmmaRdna3, 96, 64, 1536, 256, 2, 16, 6144, 380}, // RX 7900 XTX
    {"gfx1151", 32, Matrix::WmmaRdna3, 40, 64, 1536, 256, 2, 16, 2048, 90},  // Radeon 8060S (Ryzen AI Max)
    {"gfx1200", 32, Matrix::WmmaRdna4, 32, 64, 1536, 256, 2, 16, 4096, 100}, // RX 9060 XT
    {"gfx1201", 32, Matrix::WmmaRdna4, 64, 64, 1536, 256, 2, 16, 8192, 215}, // RX 9070 XT
};

gpu::Chip describe(const Row &row) {
  gpu::Chip chip;
  chip.name = row.name;
  chip.vendor = gpu::Vendor::Amd;
  chip.waveWidth = row.waveWidth;
  chip.matrix = row.matrix;
  chip.asyncCopy = gpu::AsyncCopy::None;
  chip.hasBf16Matrix = row.matrix != Matrix::None;
  chip.hasDotF16 = row.matrix == Matrix::None; // RDNA 2; the others have better
  chip.computeUnits = row.computeUnits;
  chip.sharedPerUnit = row.ldsKiB << 10;
  chip.sharedPerBlock = row.ldsKiB << 10;
  chip.registersPerUnit = row.vectorRegisters * row.simds * row.waveWidth;
  chip.registersPerThread = row.registersPerThread;
  chip.threadsPerUnit = row.simds * row.waves * row.waveWidth;
  chip.l2Bytes = row.l2KiB << 10;
  chip.memoryBytesPerClock = row.memoryBytesPerClock;
  return chip;
}

} // namespace

const std::vector<gpu::Chip> &chips() {
  static const std::vector<gpu::Chip> &all = gpu::makeChips(rows, describe);
  return all;
}

Expected<gpu::Chip> findChip(std::string_view name) { return gpu::findChip(chips(), name, "hip"); }

} // namespace quipu::hip
