// Attention of few tokens: a kernel split over the cached positions, and one that merges the splits
// (device/attention/decode.h). Splits are few enough that all blocks of a step of one token run at once, and leave
// their sums in scratch.
#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/Kernels/Attention.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>
#include <fmt/format.h>

namespace quipu::gpu {
namespace {

constexpr int64_t sharedLimit = 40 << 10; // of static shared memory; every chip has 48 KiB

struct DecodeGeometry {
  int64_t headBlocks; // blocks among which the query heads of a KV head are divided
  int64_t blockHeads;
  int64_t waves;
};

DecodeGeometry decodeGeometry(const AttentionParams &p, const Chip &chip) {
  // A lane holds its part of the query and of the weighted sum of every head of the block: 48 registers of each.
  int64_t pieces = (p.dim * p.elemBytes() + 15) / 16;
  int64_t lanes = 1;
  while (lanes < std::min<int64_t>(pieces, chip.waveWidth))
    lanes *= 2;
  int64_t laneElements = divideUp(pieces, lanes) * 16 / p.elemBytes();
  int64_t mostHeads = std::max<int64_t>(1, std::min<int64_t>(8, 48 / laneElements));
  DecodeGeometry g;
  g.headBlocks = divideUp(p.group(), mostHeads);
  g.blockHeads = divideUp(p.group(), g.headBlocks);
  g.waves = 256 / chip.waveWidth;
  while (g.waves > 1 && g.waves * g.blockHeads * (p.dim + 2) * 4 > sharedLimit)
    g.waves /= 2;
  return g;
}

struct DecodeParams {
  AttentionParams attention;
  DecodeGeometry geometry;
  int64_t splits, tokens; // at most

  std::string config() const {
    return fmt::format(
        "struct Config {{\n{}  enum {{ headBlocks = {}, blockHeads = {}, waves = {}, splits = {} }};\n}};",
        attention.members(), geometry.headBlocks, geometry.blockHeads, geometry.waves, splits);
  }
  int64_t scratchBytes() const { return tokens * attention.heads * splits * (attention.dim + 2) * 4; }
};

Expected<DecodeParams> readDecode(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  DecodeParams p;
  p.attention = readAttention(params);
  p.splits = params.integer("splits");
  p.tokens = params.integer("tokens");
  if (auto read = params.finish(); !read)
    return passError(std::move(read));
  p.geometry = decodeGeometry(p.attention, chip);
  return p;
}

} // namespace

Expected<Kernel> generateAttentionSplit(const KernelSpec &spec, const Chip &chip) {
  auto p = readDecode(spec, chip);
  if (!p)
    return passError(std::move(p));
  SourcePrinter source(chip);
  source.include("attention/decode.h");
  source.declare(p->config());
  LaunchGeometry launch;
  launch.x = {0, 1, 1};
  launch.y.times = p->attention.kvHeads * p->geometry.headBlocks;
  launch.z.times = p->splits;
  launch.threads = int(p->geometry.waves * chip.waveWidth);
  return source.kernel(
      spec, launch, "  attentionDecode<Config>(q, positions, seq_starts, page_table, cache, dims, (float *)scratch);",
      1, p->scratchBytes());
}

Expected<Kernel> generateAttentionMerge(const KernelSpec &spec, const Chip &chip) {
  auto p = readDecode(spec, chip);
  if (!p)
    return passError(std::move(p));
  SourcePrinter source(chip);
  source.include("attention/decode.h");
  source.declare(p->config());
  LaunchGeometry launch;
  launch.x = {0, 1, 1};
  launch.y.times = p->attention.heads;
  launch.threads = int(std::min<int64_t>(256, roundUp(p->attention.dim, chip.waveWidth)));
  return source.kernel(
      spec, launch,
      fmt::format("  attentionMerge<Config, {}>(positions, out, dims, (const float *)scratch);", launch.threads), 1,
      p->scratchBytes());
}

} // namespace quipu::gpu
