// pack_input: the stage before a `packed_input` matmul.
#include "compiler/Codegen/Gpu/Kernels/Matmul.h"
#include "compiler/Codegen/Gpu/PackedTile.h"

#include <algorithm>
#include <fmt/format.h>

namespace quipu::gpu {

Expected<Kernel> generatePackInput(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t k = params.integer("k"), rowsDim = params.integer("rows_dim"), tile = params.integer("tile");
  std::string element = deviceType(params, "storage");
  std::optional<double> eps;
  if (params.has("norm_eps"))
    eps = params.real("norm_eps");
  params.require(tile == tileRows, "expected a tile of 64 rows");
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  SourcePrinter source(chip);
  source.include("matmul/pack_input.h");
  LaunchGeometry launch;
  launch.x = {int(rowsDim), 1, 1};
  launch.threads = k >= 1024 ? 256 : 64;
  return source.kernel(spec, launch,
                       fmt::format("  packInput<{}, {}, {}, {}>(x, gain, packed, dims[{}], {}, scratch);", element, k,
                                   launch.threads, eps ? "true" : "false", rowsDim, floatLiteral(eps.value_or(0))),
                       0, ticketBytes);
}

} // namespace quipu::gpu
