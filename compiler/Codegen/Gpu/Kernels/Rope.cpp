// rope, kv_append and rope_append (device/rope.h).
#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/Kernels/DeviceType.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"
#include "runtime/Support/Rounding.h"

namespace quipu::gpu {
namespace {

constexpr int threads = 128;

std::string readRotation(ParamReader &params, int64_t dim) {
  std::string layout = params.text("rope_layout");
  params.require(params.integerOr("rotated", dim) == dim, "rotating a part of a head is not supported on GPUs yet");
  return layout.empty() ? "Rotation::None" : layout == "interleaved" ? "Rotation::Interleaved" : "Rotation::SplitHalf";
}

int64_t readDim(ParamReader &params) {
  int64_t dim = params.integer("dim");
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
  std::string rotation = readRotation(params, dim);
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  int64_t pairs = pairsOf(dim, "float");
  SourcePrinter source(chip);
  source.include("rope.h");
  return source.kernel(spec, pieceLaunch(heads, dim, pairs),
                       fmt::format("  rope<{}, {}, {}, {}, {}>(x, positions, rope_table, out, dims[dimTokens]);", heads,
                                   dim, pairs, rotation, threads));
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
  return source.kernel(spec, pieceLaunch(2 * kvHeads, dim, pairs),
                       fmt::format("  kvAppend<{}, {}, {}, {}, {}>(k, v, slots, cache, dims[dimTokens]);", element,
                                   kvHeads, dim, pairs, threads));
}

Expected<Kernel> generateRopeAppend(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t heads = params.integer("heads"), kvHeads = params.integer("kv_heads"), dim = readDim(params);
  std::string rotation = readRotation(params, dim), element = cacheType(params);
  bool separateV = params.flag("separate_v"); // rows of qkv end with k, v are rows of their own
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  int64_t pairs = pairsOf(dim, element);
  SourcePrinter source(chip);
  source.include("rope.h");
  return source.kernel(spec, pieceLaunch(heads + 2 * kvHeads, dim, pairs),
                       fmt::format("  ropeAppend<{}, {}, {}, {}, {}, {}, {}, {}>(qkv, v, positions, slots, rope_table, "
                                   "cache, q_out, dims[dimTokens]);",
                                   element, heads, kvHeads, dim, pairs, rotation, separateV, threads));
}

} // namespace quipu::gpu
