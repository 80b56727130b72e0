// matmul of few tokens (device/matmul/few.h): how a panel is shared out to blocks and waves.
//
// What it takes to keep memory busy: bandwidth times latency must be under way. H100: 3.35 TB/s x 0.8 us / 132 units =
// 20 KiB a unit (H200: 29 KiB); MI300X: 5.3 TB/s x 1 us / 304 = 17 KiB. A thread has depth x loads = 8 loads of 16
// bytes under way, so a block of 256 threads 32 KiB and one of 512 threads 64 KiB: where two blocks or more share a
// unit the smaller is enough, where the panels are too few for that the larger makes up for it.
#include "compiler/Codegen/Gpu/Kernels/Matmul.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>
#include <fmt/format.h>

namespace quipu::gpu {
namespace {

constexpr int64_t mostTokens = 8;
// Threads that a unit should hold: what leaves an NVIDIA thread 64 registers, which one token makes do with on the
// later chips, 80 or 128.
int64_t residentThreads(const MatmulParams &m, const Chip &chip) {
  bool roomy = chip.earlyStart && chip.threadsPerUnit >= 2048;
  if (m.tile == 1 && (chip.vendor == Vendor::Amd || roomy))
    return 1024;
  return m.tile > 1 && (m.element == "f16" || !hasMatrix(chip, m.element)) ? 512 : 768;
}
constexpr int64_t loadsUnderWay = 8; // of 16 bytes, for each thread

struct FewGeometry {
  int64_t fragments; // groups of 16 rows of a panel in a block
  int64_t waves, depth, sliceTiles;
  int64_t inputBytes, sumsBytes, squaresBytes;

  int64_t sharedBytes() const { return inputBytes + sumsBytes + squaresBytes; }
};

// Bytes that a tile of k takes of the staged input, and what each column adds.
struct InputForm {
  int64_t columns, tileBytes, skewBytes;

  InputForm(const MatmulParams &m, const Chip &chip) {
    bool nvidia = chip.vendor == Vendor::Nvidia;
    int64_t unitColumns = nvidia ? 8 : 16;
    bool matrix = hasMatrix(chip, m.element);
    columns = matrix && m.tile * 2 <= unitColumns ? m.tile * 2 : m.tile;
    tileBytes = matrix ? tileRowBytes : m.weight.tileColumns() * 4;
    skewBytes = !matrix ? 0 : nvidia ? 64 : 16;
  }
};

// Loads of a lane that bring 16 rows of a tile (2 KiB) to a wave.
int64_t loadsPerTile(const Chip &chip, bool matrix) {
  bool halvesAlike = matrix && chip.matrix == Matrix::WmmaRdna3; // both halves of a wave hold the same of A
  return 16 * tileRowBytes / tileChunkBytes / chip.waveWidth * (halvesAlike ? 2 : 1);
}

FewGeometry fewGeometry(const MatmulParams &m, const Chip &chip) {
  bool matrix = hasMatrix(chip, m.element);
  FewGeometry g;
  // Larger blocks stage the input less often; smaller ones keep all units busy.
  g.fragments = 4;
  int64_t least = m.weight.gated ? 2 : 1;
  while (g.fragments > least && m.weight.panels() * 4 / g.fragments < 3 * chip.computeUnits)
    g.fragments /= 2;
  int64_t blocks = m.weight.panels() * 4 / g.fragments;
  g.depth = std::max<int64_t>(1, loadsUnderWay / loadsPerTile(chip, matrix));
  // With more tokens an NVIDIA thread needs more registers than 512 threads leave for two blocks.
  bool few = m.tile == 1 ? blocks < 2 * chip.computeUnits : chip.vendor == Vendor::Amd && blocks < chip.computeUnits;
  g.waves = (few ? 512 : 256) / chip.waveWidth;
  while (g.waves > g.fragments && g.waves > 2 && g.waves / g.fragments * g.depth > m.weight.tiles())
    g.waves /= 2;
  g.waves = std::max(g.waves, g.fragments);

  // A slice of the input takes a quarter of a unit's shared memory, so that blocks can share the unit, but never less
  // than the waves take at a time: where a block has no room for that, there are fewer of them.
  InputForm input(m, chip);
  int64_t room = (chip.sharedPerUnit / 4 / input.columns - input.skewBytes) / input.tileBytes;
  for (;; g.waves /= 2) {
    int64_t step = g.waves / g.fragments * g.depth;
    g.sliceTiles = std::min(roundUp(m.weight.tiles(), step), std::max(room / step, int64_t(1)) * step);
    g.inputBytes = input.columns * (g.sliceTiles * input.tileBytes + input.skewBytes);
    g.sumsBytes = g.waves * 16 * input.columns * 4;
    g.squaresBytes = m.normEps ? g.waves * m.tile * 4 : 0;
    if (g.sharedBytes() <= chip.sharedPerBlock || g.waves == g.fragments)
      return g;
  }
}

} // namespace

Expected<Kernel> generateMatmulFew(const MatmulParams &m, const Chip &chip) {
  if (m.tile > mostTokens)
    return makeError("kernel @{}: expected a tile of at most {} rows, got {}", m.spec.symbol, mostTokens, m.tile);
  bool matrix = hasMatrix(chip, m.element);
  FewGeometry g = fewGeometry(m, chip);

  SourcePrinter source(chip);
  source.include(matrix ? "matmul/few_matrix.h" : "matmul/few_fma.h");
  // x * gain may be out of f16's range before it is scaled.
  bool scaleFirst = matrix && m.element == "f16";
  source.declare(fmt::format(
      "struct Shape {{\n  typedef {0} Element;\n  typedef {1}<Shape> Product;\n"
      "  enum {{ n = {2}, k = {3}, gated = {4}, tokens = {5}, rowsDim = {13}, normed = {6}, scaleFirst = {7} }};\n"
      "  enum {{ tileColumns = {8}, fragments = {9}, waves = {10}, depth = {11}, "
      "sliceTiles = {12} }};\n}};",
      m.element, matrix ? "MatrixProduct" : "FmaProduct", m.weight.n, m.weight.k, int(m.weight.gated), m.tile,
      int(m.normEps.has_value()), int(scaleFirst), m.weight.tileColumns(), g.fragments, g.waves, g.depth, g.sliceTiles,
      m.rowsDim));
  source.declare(m.epilogue());
  source.bodyWaits();
  LaunchGeometry launch;
  launch.x.times = m.weight.panels() * 4 / g.fragments;
  launch.threads = int(g.waves * chip.waveWidth);
  launch.sharedBytes = g.sharedBytes();
  return source.kernel(m.spec, launch,
                       fmt::format("  FewTokens<Shape>::run(x, gain, (const u8 *)weight, {}, dims, {}, mark);",
                                   m.epilogueArguments(), floatLiteral(m.normEps.value_or(0))),
                       int(std::max<int64_t>(1, residentThreads(m, chip) / launch.threads)));
}

} // namespace quipu::gpu
