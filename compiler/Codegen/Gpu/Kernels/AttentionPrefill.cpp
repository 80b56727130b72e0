// Attention of many tokens (device/attention/prefill.h): matrix instructions where the chip has them for the cache's
// element type, else f32 arithmetic.
#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/Kernels/Attention.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"

#include <algorithm>
#include <fmt/format.h>

namespace quipu::gpu {
namespace {

struct PrefillGeometry {
  bool matrix = false, async = false;
  bool queryShared = false;        // the queries in shared memory, where they leave no registers
  int64_t waves = 4, rowTiles = 1; // tiles of 16 query rows to a wave
  int64_t positions = 64;          // of a tile of keys and values
  int64_t parts = 4;               // blocks among which the sequences of a cell are divided

  int64_t rows() const { return waves * rowTiles * 16; }

  // As device/attention/prefill.h and the engines lay shared memory out.
  int64_t sharedBytes(const AttentionParams &p, const Chip &chip) const {
    int64_t dim = (p.dim + 15) / 16 * 16;
    if (!matrix)
      return ((async ? 4 : 2) * positions + rows()) * (dim + 4) * 4;
    int64_t keys = positions * (dim + 8);
    int64_t values = chip.vendor == Vendor::Amd ? dim * (positions + 8) : keys;
    return ((async ? 2 : 1) * (keys + values) + (queryShared ? rows() * (dim + 8) : 0)) * 2;
  }
};

// The largest tiles for which a lane's registers suffice: sums of rowTiles * 16 rows, scores of `positions` of them,
// and the queries.
void chooseTiles(PrefillGeometry &g, const AttentionParams &p, const Chip &chip) {
  bool small = p.dim <= 64, large = p.dim > 128;
  g.queryShared = large;
  if (chip.vendor == Vendor::Nvidia) {
    g.rowTiles = small ? 2 : 1;
    g.positions = small || large ? 32 : 64;
    g.waves = small ? 4 : 8;
  } else if (chip.waveWidth == 64) {
    g.rowTiles = small ? 2 : 1;
    g.positions = large ? 32 : 64;
    g.waves = 4;
  } else {
    g.positions = small ? 64 : 32;
    g.waves = large ? 4 : 8;
  }
}

Expected<PrefillGeometry> prefillGeometry(const KernelSpec &spec, const AttentionParams &p, const Chip &chip) {
  PrefillGeometry g;
  g.matrix = p.type == "f16" ? chip.matrix != Matrix::None : p.type == "bf16" && chip.hasBf16Matrix;
  // Rows of whole 16 bytes in the type they have in shared memory; in f32 only those that leave registers for it.
  g.async = chip.asyncCopy != AsyncCopy::None && p.dim * p.elemBytes() % 16 == 0 &&
            (g.matrix || (p.type == "float" && p.dim <= 128));
  if (g.matrix)
    chooseTiles(g, p, chip);
  else
    g.positions = p.dim <= 128 ? 32 : 16, g.waves = 4;
  while (g.sharedBytes(p, chip) > chip.sharedPerBlock && g.positions > 16)
    g.positions /= 2;
  while (g.sharedBytes(p, chip) > chip.sharedPerBlock && g.waves > 1)
    g.waves /= 2;
  if (g.sharedBytes(p, chip) > chip.sharedPerBlock || g.rows() < p.group())
    return makeError("kernel @{}: {} has no room for attention of {} query heads to a KV head of {} dimensions",
                     spec.symbol, chip.name, p.group(), p.dim);
  return g;
}

} // namespace

Expected<Kernel> generateAttention(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  AttentionParams p = readAttention(params);
  if (auto read = params.finish(); !read)
    return passError(std::move(read));
  auto g = prefillGeometry(spec, p, chip);
  if (!g)
    return passError(std::move(g));

  int64_t tokens = g->rows() / p.group();
  SourcePrinter source(chip);
  source.include(g->matrix ? "attention/matrix.h" : "attention/fma.h");
  source.include("attention/prefill.h");
  source.declare(fmt::format("struct Config {{\n{}  enum {{ waves = {}, mTiles = {}, tile = {}, tokens = {}, "
                             "parts = {}, async = {}, ahead = {}, queryShared = {} }};\n}};",
                             p.members(), g->waves, g->rowTiles, g->positions, tokens, g->parts, int(g->async),
                             int(p.dim <= 128), int(g->queryShared)));
  LaunchGeometry launch;
  launch.x = {0, tokens, 1};
  launch.y.times = p.kvHeads;
  launch.z.times = g->parts;
  launch.threads = int(g->waves * chip.waveWidth);
  launch.sharedBytes = g->sharedBytes(p, chip);
  return source.kernel(
      spec, launch,
      fmt::format("  attentionPrefill<Config, {}<Config>>(q, positions, seq_starts, page_table, cache, out, dims);",
                  g->matrix ? "MatrixEngine" : "FmaEngine"));
}

} // namespace quipu::gpu
