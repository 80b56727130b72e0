// rope, kv_append and rope_append (device/rope.h).
#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/Kernels/DeviceType.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"
#include "runtime/Support/Rounding.h"

namespace quipu::gpu {
namespace {

constexpr int threads = 128;

std::string readRotation(ParamReader &params, bool required) {
  std::string layout = required ? params.text("rope_layout") : params.textOr("rope_layout", "");
  params.require(layout.empty() || layout == "split_half" || layout == "interleaved",
                 fmt::format("expected rope_layout \"split_half\" or \"interleaved\", got \"{}\"", layout));
  return layout.empty() ? "Rotation::None" : layout == "interleaved" ? "Rotation::Interleaved" : "Rotation::SplitHalf";
}

int64_t readDim(ParamReader &params) {
  int64_t dim = params.integer("dim", 2);
  params.require(dim % 2 == 0, fmt::format("expected heads of an even dim, got {}", dim));
  return dim;
}

// Pairs of a piece: a chunk of `type` in each of its runs, where heads divide into such.
int64_t pairsOf(int64_t dim, const std::string &type) {
  int64_t chunk = 16 / bytesOf(type);
  return dim / 2 % chunk == 0 ? chunk : 1;
}

LaunchGeometry pieceLaunch(int64_t heads, int64_t dim, int64_t pairs) {
  LaunchGeometry launch;
  launch.x = {/*tokens*/ 0, 1, 1};
  launch.y.times = divideUp(heads * (dim / 2 / pairs), threads);
  launch.threads = threads;
  return launch;
}

} // namespace

Expected<Kernel> generateRope(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t heads = params.integer("heads"), dim = readDim(params);
  std::string rotation = readRotation(params, /*required=*/true);
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  int64_t pairs = pairsOf(dim, "float");
  SourcePrinter source(chip);
  source.include("rope.h");
  return source.kernel(spec.symbol, {"const float *", "const i32 *", "const float *", "float *"},
                       pieceLaunch(heads, dim, pairs),
                       fmt::format("  rope<{}, {}, {}, {}, {}>(o0, o1, o2, o3, dims[dimTokens]);", heads, dim, pairs,
                                   rotation, threads));
}

Expected<Kernel> generateKvAppend(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t kvHeads = params.integer("kv_heads"), dim = readDim(params);
  std::string element = cacheType(params);
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  int64_t pairs = pairsOf(dim, element);
  SourcePrinter source(chip);
  source.include("rope.h");
  return source.kernel(spec.symbol, {"const float *", "const float *", "const i32 *", element + " *"},
                       pieceLaunch(2 * kvHeads, dim, pairs),
                       fmt::format("  kvAppend<{}, {}, {}, {}, {}>(o0, o1, o2, o3, dims[dimTokens]);", element, kvHeads,
                                   dim, pairs, threads));
}

Expected<Kernel> generateRopeAppend(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t heads = params.integer("heads"), kvHeads = params.integer("kv_heads"), dim = readDim(params);
  std::string rotation = readRotation(params, /*required=*/false), element = cacheType(params);
  bool separateV = params.flag("separate_v"); // rows of qkv end with k, v are rows of their own
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  int64_t pairs = pairsOf(dim, element);
  SourcePrinter source(chip);
  source.include("rope.h");
  return source.kernel(
      spec.symbol,
      {"const float *", "const float *", "const i32 *", "const i32 *", "const float *", element + " *", "float *"},
      pieceLaunch(heads + 2 * kvHeads, dim, pairs),
      fmt::format("  ropeAppend<{}, {}, {}, {}, {}, {}, {}, {}>(o0, o1, o2, o3, o4, o5, o6, dims[dimTokens]);", element,
                  heads, kvHeads, dim, pairs, rotation, separateV, threads));
}

} // namespace quipu::gpu
