#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"

namespace quipu::gpu {

Expected<Kernel> generateRmsNorm(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t n = params.integer("n"), rowsDim = params.integer("rows_dim");
  double eps = params.real("eps");
  params.require(params.integer("groups") == 1 && params.integerOr("gains", 0) == n && !params.flag("residual"),
                 "a norm of groups, without gain or with a residual is not supported on GPUs yet");
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  SourcePrinter source(chip);
  source.include("rms_norm.h");
  LaunchGeometry launch;
  launch.x = {int(rowsDim), 1, 1};
  launch.threads = n >= 1024 ? 256 : 64;
  return source.kernel(
      spec, launch,
      fmt::format("  rmsNorm<{}, {}>(x, gain, out, dims[{}], {});", n, launch.threads, rowsDim, floatLiteral(eps)));
}

} // namespace quipu::gpu
