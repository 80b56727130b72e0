// matmul of many tokens over packed input: with matrix instructions (device/matmul/many.h) or without
// (device/matmul/many_fma.h).
#include "compiler/Codegen/Gpu/Kernels/Matmul.h"
#include "compiler/Codegen/Gpu/ManyTile.h"
#include "runtime/Support/Rounding.h"

#include <fmt/format.h>

namespace quipu::gpu {

Expected<Kernel> generateMatmulMany(const MatmulParams &m, const Chip &chip) {
  bool matrix = hasMatrix(chip, m.element);
  ManyTile tile = manyTile(m.tile, m.weight, m.element, chip);
  TileWork work = tile.work(m.weight, m.element, m.tokens, chip);
  if (m.splits > 1 && !canShare(work, m.splits))
    return makeError("kernel @{}: {} blocks cannot share its tiles", m.spec.symbol, m.splits);

  SourcePrinter source(chip);
  source.include(matrix ? "matmul/many.h" : "matmul/many_fma.h");
  source.declare(fmt::format("struct Shape {{\n  typedef {} Element;\n"
                             "  enum {{ n = {}, k = {}, gated = {}, splits = {}, tokenTiles = {}, panels = {}, "
                             "stages = {}, waveTokens = {}, waveColumns = {} }};\n}};",
                             m.element, m.weight.n, m.weight.k, int(m.weight.gated), m.splits, tile.tokenTiles,
                             tile.panels, tile.stages, tile.waveTokens, tile.waveColumns));
  source.declare(m.epilogue());
  LaunchGeometry launch;
  // Blocks side by side share their rows of W: a weight is read from memory once, the input stays in L2.
  launch.x = {int(m.rowsDim), tile.tokenTiles * 64, 1};
  launch.y.times = divideUp(m.weight.panels(), tile.panels);
  launch.z.times = m.splits;
  launch.threads = int(tile.threads);
  launch.sharedBytes = tile.sharedBytes();
  return source.kernel(m.spec, launch,
                       fmt::format("  {}<Shape>::run(packed, (const u8 *)weight, {}, {}, scratch);",
                                   matrix ? "ManyTokens" : "ManyTokensFma", m.epilogueArguments(), m.rows()),
                       0, sharedSumsBytes(work, m.splits));
}

} // namespace quipu::gpu
