// Generators that read a row and write a row: pointwise, select_rows, slice_columns.
#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"
#include "runtime/Support/Rounding.h"

namespace quipu::gpu {
namespace {

constexpr int threads = 128;

// A thread for each four columns.
LaunchGeometry rowLaunch(int64_t rowsDim, int64_t n) {
  LaunchGeometry launch;
  launch.x = {int(rowsDim), 1, 1};
  launch.y.times = divideUp(n, 4 * threads);
  launch.threads = threads;
  return launch;
}

// The device's functor of an op, empty for an unknown one.
std::string opFunctor(const std::string &op) {
  for (auto [name, functor] : {std::pair{"add", "Add"},
                               {"mul", "Multiply"},
                               {"silu", "Activate<Activation::Silu>"},
                               {"gelu_tanh", "Activate<Activation::GeluTanh>"},
                               {"gelu_erf", "Activate<Activation::GeluErf>"},
                               {"relu", "Activate<Activation::Relu>"}})
    if (op == name)
      return functor;
  return "";
}

} // namespace

Expected<Kernel> generatePointwise(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t n = params.integer("n"), rowsDim = params.integer("rows_dim");
  std::string op = params.text("op"), functor = opFunctor(op);
  params.require(!functor.empty(), fmt::format("unknown op \"{}\"", op));
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  SourcePrinter source(chip);
  source.include("rows.h");
  return source.kernel(spec, rowLaunch(rowsDim, n),
                       fmt::format("  pointwise<{}, {}, {}>(x, y, out, dims[{}]);", n, threads, functor, rowsDim));
}

Expected<Kernel> generateSelectRows(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t n = params.integer("n");
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  SourcePrinter source(chip);
  source.include("rows.h");
  return source.kernel(spec, rowLaunch(/*rows*/ 2, n),
                       fmt::format("  if (blockX() < dims[dimRows])\n"
                                   "    sliceColumns<{0}, 0, {0}, {1}>(x, out, rows[blockX()], blockX());",
                                   n, threads));
}

Expected<Kernel> generateSliceColumns(const KernelSpec &spec, const Chip &chip) {
  ParamReader params(spec);
  int64_t in = params.integer("n_in"), offset = params.integer("offset"), n = params.integer("n");
  int64_t rowsDim = params.integer("rows_dim");
  params.require(offset + n <= in, fmt::format("expected offset ({}) + n ({}) to be at most n_in ({})", offset, n, in));
  if (auto read = params.finish(); !read)
    return passError(std::move(read));

  SourcePrinter source(chip);
  source.include("rows.h");
  return source.kernel(spec, rowLaunch(rowsDim, n),
                       fmt::format("  if (blockX() < dims[{}])\n"
                                   "    sliceColumns<{}, {}, {}, {}>(x, out, blockX(), blockX());",
                                   rowsDim, in, offset, n, threads));
}

} // namespace quipu::gpu
