// matmul of many tokens with wgmma (device/matmul/warpgroup.h).
#include "compiler/Codegen/Gpu/Kernels/Matmul.h"
#include "compiler/Codegen/Gpu/WarpgroupTile.h"

#include <algorithm>
#include <fmt/format.h>

namespace quipu::gpu {
namespace {

// wgmma with its list of sums: %0 to %(sums - 1), then the descriptors and whether to add to the sums.
std::string instruction(const std::string &element, int64_t columns) {
  int64_t sums = columns / 2;
  std::string registers, operands;
  for (int64_t i = 0; i < sums; ++i) {
    registers += fmt::format("{}%{}", i ? ", " : "", i);
    operands += fmt::format("{}\"+f\"(d[{}])", i ? ", " : "", i);
  }
  return fmt::format("#if !QUIPU_SIMT\n"
                     "struct WarpgroupInstruction {{\n"
                     "  static QUIPU_DEVICE_MEMBER void add(float (&d)[{0}], u64 a, u64 b, bool accumulate) {{\n"
                     "    asm volatile(\"{{\\n.reg .pred accumulate;\\nsetp.ne.b32 accumulate, %{1}, 0;\\n\"\n"
                     "                 \"wgmma.mma_async.sync.aligned.m64n{2}k16.f32.{3}.{3} {{{4}}}, \"\n"
                     "                 \"%{0}, %{5}, accumulate, 1, 1, 0, 0;\\n}}\"\n"
                     "                 : {6}\n"
                     "                 : \"l\"(a), \"l\"(b), \"r\"(int(accumulate)));\n"
                     "  }}\n}};\n#endif",
                     sums, sums + 2, columns, element, registers, sums + 1, operands);
}

// Registers of a thread that brings tiles and of one that multiplies; 0: no difference.
struct RegisterSplit {
  int bringer = 0, product = 0;
};

// Two warpgroups of many sums do not get by with an equal share of the registers. They take those of the warps that
// bring tiles, which are a whole warpgroup for that: 65536 / 384 = 168 a thread, of two blocks 80, before.
RegisterSplit registerSplit(const WarpgroupTile &tile) {
  if (tile.tokens == 128 && tile.columns == 256)
    return {40, 232};
  return {};
}

} // namespace

Expected<Kernel> generateMatmulWarpgroup(const MatmulParams &m, const Chip &chip) {
  WarpgroupTile tile = {m.tile, m.columns};
  std::vector<WarpgroupTile> known = warpgroupTiles(m.weight.gated);
  if (chip.matrix != Matrix::Wgmma || !hasMatrix(chip, m.element) ||
      std::find(known.begin(), known.end(), tile) == known.end())
    return makeError("kernel @{}: {} has no matmul of {} tokens by {} columns{} of {}", m.spec.symbol, chip.name,
                     m.tile, m.columns, m.weight.gated ? ", gated," : "", m.element);
  TileWork work = tile.work(m.weight, m.tokens, chip);
  if (m.splits > 1 && !canShare(work, m.splits))
    return makeError("kernel @{}: {} blocks cannot share its tiles", m.spec.symbol, m.splits);
  RegisterSplit registers = registerSplit(tile);

  SourcePrinter source(chip);
  source.declare(instruction(m.element, m.columns));
  source.include("matmul/warpgroup.h");
  LaunchGeometry launch;
  launch.x.times = chip.computeUnits * tile.residentBlocks();
  launch.threads = int(tile.tokens / 64 * 128 + (registers.bringer ? 128 : 32));
  launch.sharedBytes = tile.sharedBytes(chip);
  source.declare(
      fmt::format("struct Shape {{\n  typedef {} Element;\n"
                  "  enum {{ n = {}, k = {}, gated = {}, tokenTiles = {}, columns = {}, splits = {}, stages = {}, "
                  "blocks = {}, bringerRegisters = {}, productRegisters = {} }};\n}};",
                  m.element, m.weight.n, m.weight.k, int(m.weight.gated), m.tile / 64, m.columns, m.splits,
                  tile.stages(chip), launch.x.times, registers.bringer, registers.product));
  source.declare(m.epilogue());
  source.bodyWaits();
  return source.kernel(m.spec, launch,
                       fmt::format("  WarpgroupTokens<Shape>::run(packed, (const u8 *)weight, {}, {}, scratch, mark);",
                                   m.epilogueArguments(), m.rows()),
                       int(tile.residentBlocks()), sharedSumsBytes(work, m.splits));
}

} // namespace quipu::gpu
