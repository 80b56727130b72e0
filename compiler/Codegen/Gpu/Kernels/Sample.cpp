// sample: a block for each row. For few rows sample_split, in which several blocks survey a row, then sample_merge.
#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"
#include "runtime/Support/Rounding.h"

namespace quipu::gpu {
namespace {

// Of a block that has a row to itself, and of one that shares it.
constexpr int rowThreads = 512, splitThreads = 256;
// What is in shared memory is 4 bytes for each 128 tokens.
constexpr int64_t mostTokens = int64_t(1) << 20;

// Operands that the device has types of its own for.
constexpr std::string_view sampling = "(const RowSampling *)sampling", seen = "(const u32 *)seen";

struct Sampling {
  int64_t n, rowsDim, splits = 0, rows = 0;

  // Groups of tokens (device/sample/row.h), of a row and of a split.
  int64_t groups(const Chip &chip) const { return divideUp(n, 4 * chip.waveWidth); }
  int64_t splitGroups(const Chip &chip) const { return divideUp(groups(chip), splits); }
  int64_t scratchBytes(const Chip &chip) const { return rows * (splits * 24 + groups(chip) * 4); }

  LaunchGeometry launch(int threads) const {
    LaunchGeometry geometry;
    geometry.x = {int(rowsDim), 1, 1};
    geometry.threads = threads;
    return geometry;
  }
};

Expected<Sampling> readSampling(const KernelSpec &spec, bool split) {
  ParamReader params(spec);
  Sampling s{params.integer("n"), params.integer("rows_dim")};
  params.require(s.n <= mostTokens, fmt::format("expected n ({}) to be at most {}", s.n, mostTokens));
  if (split) {
    s.splits = params.integer("splits");
    s.rows = params.integer("rows");
  }
  if (auto read = params.finish(); !read)
    return passError(std::move(read));
  return s;
}

} // namespace

Expected<Kernel> generateSample(const KernelSpec &spec, const Chip &chip) {
  auto s = readSampling(spec, false);
  if (!s)
    return passError(std::move(s));
  SourcePrinter source(chip);
  source.include("sample.h");
  return source.kernel(
      spec, s->launch(rowThreads),
      fmt::format("  sample<{}, {}>(logits, {}, {}, out, dims[{}]);", s->n, rowThreads, sampling, seen, s->rowsDim));
}

Expected<Kernel> generateSampleSplit(const KernelSpec &spec, const Chip &chip) {
  auto s = readSampling(spec, true);
  if (!s)
    return passError(std::move(s));
  LaunchGeometry launch = s->launch(splitThreads);
  launch.y.times = s->splits;
  SourcePrinter source(chip);
  source.include("sample.h");
  return source.kernel(spec, launch,
                       fmt::format("  sampleSplit<{}, {}, {}, {}, {}>(logits, {}, {}, scratch, smaller(dims[{}], {}));",
                                   s->n, s->splitGroups(chip), s->splits, s->rows, splitThreads, sampling, seen,
                                   s->rowsDim, s->rows),
                       1, s->scratchBytes(chip));
}

Expected<Kernel> generateSampleMerge(const KernelSpec &spec, const Chip &chip) {
  auto s = readSampling(spec, true);
  if (!s)
    return passError(std::move(s));
  SourcePrinter source(chip);
  source.include("sample.h");
  return source.kernel(
      spec, s->launch(rowThreads),
      fmt::format("  sampleMerge<{}, {}, {}, {}>(logits, {}, {}, out, scratch, smaller(dims[{}], {}));", s->n,
                  s->splits, s->rows, rowThreads, sampling, seen, s->rowsDim, s->rows),
      1, s->scratchBytes(chip));
}

} // namespace quipu::gpu
