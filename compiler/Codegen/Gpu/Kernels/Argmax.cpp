// argmax: a block for each row. For few rows argmax_split, in which several blocks share a row, then argmax_merge.
#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"

namespace quipu::gpu {
namespace {

constexpr int threads = 256;

struct Split {
  int64_t n, rowsDim, splits, rows;

  int64_t columns() const { return ((n + splits - 1) / splits + 3) / 4 * 4; }
  int64_t scratchBytes() const { return rows * splits * 8; }
};

Expected<Split> readSplit(const KernelSpec &spec) {
  ParamReader params(spec);
  Split s{params.integer("n"), params.integerOr("rows_dim", 2), params.integer("splits"), params.integer("rows")};
  if (auto read = params.finish(); !read)
    return passError(std::move(read));
  return s;
}

} // namespace

Expected<Kernel> generateArgmax(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t n = params.integer("n"), rowsDim = params.integerOr("rows_dim", 2);
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  LaunchGeometry launch;
  launch.x = {int(rowsDim), 1, 1};
  launch.threads = threads;
  SourcePrinter source(chip);
  source.include("argmax.h");
  return source.kernel(spec.symbol, {"const float *", "i32 *"}, launch,
                       fmt::format("  argmax<{}, {}>(o0, o1, dims[{}]);", n, threads, rowsDim));
}

Expected<Kernel> generateArgmaxSplit(const KernelSpec &spec, const Chip &chip) {
  auto split = readSplit(spec);
  if (!split)
    return passError(std::move(split));
  LaunchGeometry launch;
  launch.x = {int(split->rowsDim), 1, 1};
  launch.y.times = split->splits;
  launch.threads = threads;
  SourcePrinter source(chip);
  source.include("argmax.h");
  return source.kernel(spec.symbol, {"const float *", "i32 *"}, launch,
                       fmt::format("  argmaxSplit<{}, {}, {}, {}>(o0, (Largest *)scratch, smaller(dims[{}], {}));",
                                   split->n, split->columns(), split->splits, threads, split->rowsDim, split->rows),
                       1, split->scratchBytes());
}

Expected<Kernel> generateArgmaxMerge(const KernelSpec &spec, const Chip &chip) {
  auto split = readSplit(spec);
  if (!split)
    return passError(std::move(split));
  LaunchGeometry launch;
  launch.x = {int(split->rowsDim), 1, 1};
  launch.threads = chip.waveWidth;
  SourcePrinter source(chip);
  source.include("argmax.h");
  return source.kernel(spec.symbol, {"const float *", "i32 *"}, launch,
                       fmt::format("  argmaxMerge<{}>((const Largest *)scratch, o1, smaller(dims[{}], {}));",
                                   split->splits, split->rowsDim, split->rows),
                       1, split->scratchBytes());
}

} // namespace quipu::gpu
