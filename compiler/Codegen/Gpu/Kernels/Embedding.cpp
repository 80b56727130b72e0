#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/Kernels/DeviceType.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"
#include "runtime/Support/Rounding.h"

namespace quipu::gpu {

Expected<Kernel> generateEmbedding(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t rows = params.integer("rows"), dim = params.integer("dim");
  std::string type = deviceType(params, "storage"), layout = params.text("layout");
  params.require(layout == "row_major" || layout == "tile64",
                 fmt::format("expected layout \"row_major\" or \"tile64\", got \"{}\"", layout));
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  constexpr int threads = 128;
  int64_t columns = threads * 16 / bytesOf(type); // of a block
  LaunchGeometry launch;
  launch.x = {/*tokens*/ 0, 1, 1};
  launch.y.times = divideUp(dim, columns);
  launch.threads = threads;
  SourcePrinter source(chip);
  source.include("embedding.h");
  return source.kernel(spec, launch,
                       fmt::format("  embedding<{}, {}, {}, {}, {}>(ids, table, out, dims[dimTokens]);", type, rows,
                                   dim, layout == "tile64", threads));
}

} // namespace quipu::gpu
