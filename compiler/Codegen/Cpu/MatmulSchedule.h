// The cost model of CPU matmul: what of a kernel is chosen for speed alone. A kernel's parameters may say otherwise,
// which is what --tune measures; its results differ by the order of sums at most.
#pragma once

#include "compiler/Codegen/Cpu/WeightLayout.h"
#include "compiler/Codegen/KernelChoice.h"

namespace quipu::cpu {

// How far ahead of its reads a microkernel asks for weights, and into which cache; and how much farther still it asks
// for them into L2 (0: not).
struct Prefetch {
  int64_t bytes;
  int level;
  int64_t fartherToL2 = 0;

  // In what parameters say.
  bool operator==(const Prefetch &other) const { return bytes == other.bytes && level == other.level; }
};

struct MatmulSchedule {
  Prefetch prefetch;
  int64_t kBlocks = 1; // packed input: parts of k, each of which stays in L2 while all row tiles pass

  // `tile`: rows of the microkernel.
  MatmulSchedule(const PanelLayout &weight, int64_t tile, bool packedInput, const Chip &chip);
};

// Weight vectors of a panel's row that a microkernel takes at a time beside the sums of a tile: the whole row, or as
// many as keep to the accumulators. They are three quarters of the registers; for weights in blocks eight: enough to
// hide the latency of the dot product, and few enough that the scaling of one pass's sums, a chain of dependent
// instructions, waits in the core's schedulers beside the dot products of the next pass. (Zen 4, weights of 4 bits in
// L2, one core: 400 to 405 Gop/s with 5 to 8 of them, 390 with 10, 380 with 12.) Without VNNI, where each product takes
// two instructions or three, twelve.
int64_t vectorsOfPass(int64_t tile, bool blocks, const Chip &chip);

// The kernels of a matmul by their tile and the parts that a row of its input takes: one that packs its input for
// itself, or a stage that packs it before.
KernelStages tiledMatmul(const MatmulShape &shape, int64_t tile, int64_t parts);
KernelStages packedMatmul(const MatmulShape &shape, int64_t tile, int64_t parts);

// Other stages for a launch of `rows` rows: one thing at a time chosen otherwise than the model has it, as far as the
// model does not rule it out. A packed tile, times parts, is never larger than packedTile, for which the buffer has
// room. None for stages that are no matmul.
std::vector<KernelStages> matmulAlternatives(const KernelStages &stages, int64_t rows, const Chip &chip);

} // namespace quipu::cpu
