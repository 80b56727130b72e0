// matmul of many tokens over packed input: with matrix instructions (device/matmul/many.h) or without
// (device/matmul/many_fma.h).
#include "compiler/Codegen/Gpu/Kernels/Matmul.h"

#include <algorithm>
#include <fmt/format.h>

namespace quipu::gpu {
namespace {

// Results of a block and of a wave. The gated form wants whole panels in a wave.
struct ManyGeometry {
  int64_t tokenTiles, panels; // of 64 in a block
  int64_t waveTokens, waveColumns, stages;

  int64_t threads(const Chip &chip) const {
    return tokenTiles * 64 / waveTokens * (panels * 64 / waveColumns) * chip.waveWidth;
  }
  int64_t sharedBytes() const { return stages * (tokenTiles + panels) * tileBytes; }
};

ManyGeometry manyGeometry(const MatmulParams &m, const Chip &chip) {
  bool async = chip.asyncCopy != AsyncCopy::None;
  if (m.tile <= 64)
    return {1, 1, 32, 32, async ? 4 : 1};
  ManyGeometry g = {2, 2, 32, 64, async ? 3 : 1};
  // Where registers suffice, a wave takes 64 x 64: it reads a quarter less from shared memory for each product.
  if (chip.waveWidth == 64)
    g.waveTokens = 64;
  return g;
}

} // namespace

Expected<Kernel> generateMatmulMany(const MatmulParams &m, const Chip &chip) {
  bool matrix = hasMatrix(chip, m.element);
  ManyGeometry g = matrix ? manyGeometry(m, chip) : ManyGeometry{1, 1, 0, 0, chip.asyncCopy != AsyncCopy::None ? 3 : 2};
  if (m.weight.gated && matrix)
    g.waveColumns = 64, g.waveTokens = std::min<int64_t>(g.waveTokens, 16 * (m.tile <= 64 ? 1 : 4));

  SourcePrinter source(chip);
  source.include(matrix ? "matmul/many.h" : "matmul/many_fma.h");
  source.declare(fmt::format("struct Shape {{\n  typedef {} Element;\n"
                             "  enum {{ n = {}, k = {}, gated = {}, tokenTiles = {}, panels = {}, stages = {}, "
                             "waveTokens = {}, waveColumns = {} }};\n}};",
                             m.element, m.weight.n, m.weight.k, int(m.weight.gated), g.tokenTiles, g.panels, g.stages,
                             g.waveTokens, g.waveColumns));
  source.declare(m.epilogue());
  LaunchGeometry launch;
  // Blocks side by side share their rows of W: a weight is read from memory once, the input stays in L2.
  launch.x = {int(m.rowsDim), g.tokenTiles * 64, 1};
  launch.y.times = (m.weight.panels() + g.panels - 1) / g.panels;
  launch.threads = matrix ? int(g.threads(chip)) : 256;
  launch.sharedBytes = g.sharedBytes();
  return source.kernel(m.symbol, matmulOperands(), launch,
                       fmt::format("  {}<Shape>::run(o5, o2, {}, {});", matrix ? "ManyTokens" : "ManyTokensFma",
                                   m.epilogueArguments(), m.rows()));
}

} // namespace quipu::gpu
