// Generators that read a row and write a row: pointwise, select_rows, slice_columns.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/VectorMath.h"

namespace quipu::cpu {
namespace {

Value loadRow(KernelBuilder &b, Value row, Value column, Value mask) {
  return b.loadOr0(b.offset(row, column, 4), b.f32(b.lanes()), mask);
}

void copyColumns(KernelBuilder &b, int64_t size, Value from, Value to) {
  b.forVectors(
      size, [&](Value column, Value mask) { b.store(loadRow(b, from, column, mask), b.offset(to, column, 4), mask); });
}

void forRows(KernelBuilder &b, Value rows, llvm::function_ref<void(Value)> body) {
  auto [first, last] = b.workerRange(rows);
  b.loop(first, last, 1, body);
}

} // namespace

Expected<> generatePointwise(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t n = params.integer("n"), rowsDim = params.integer("rows_dim");
  std::string op = params.text("op");
  bool binary = op == "add" || op == "mul", byFactor = op == "scale" || op == "softcap";
  double factor = byFactor ? params.real("factor") : 0;
  auto activation = parseActivation(binary || byFactor ? "none" : op);
  if (auto read = params.finish(); !read)
    return read;
  if (!activation)
    return passError(std::move(activation));

  Value x = b.buffer("x"), y = b.buffer("y"), out = b.buffer("out");
  // Rows are contiguous, so vectors may run across them.
  auto [first, last] = b.workerRange(b.divUp(b.mul(b.rows(rowsDim), n), b.lanes()));
  Value size = b.mul(b.rows(rowsDim), n);
  b.loop(first, last, 1, [&](Value vector) {
    Value i = b.mul(vector, b.lanes());
    Value mask = b.tailMask(b.sub(size, i), b.lanes());
    Value value = loadRow(b, x, i, mask);
    if (binary) {
      Value other = loadRow(b, y, i, mask);
      value = op == "add" ? b.addf(value, other) : b.mulf(value, other);
    } else if (byFactor) {
      value = op == "scale" ? b.mulf(value, b.real(factor, b.lanes())) : softcap(b, value, factor);
    } else {
      value = activate(b, *activation, value);
    }
    b.store(value, b.offset(out, i, 4), mask);
  });
  return {};
}

Expected<> generateSelectRows(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t n = params.integer("n");
  if (auto read = params.finish(); !read)
    return read;

  Value x = b.buffer("x"), rows = b.buffer("rows"), out = b.buffer("out");
  forRows(b, b.dim(StepDim::Rows), [&](Value row) {
    Value from = b.toI64(b.load(b.offset(rows, row, 4), b.i32()));
    copyColumns(b, n, b.offset(x, from, n * 4), b.offset(out, row, n * 4));
  });
  return {};
}

Expected<> generateSliceColumns(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t in = params.integer("n_in"), offset = params.integer("offset"), n = params.integer("n");
  int64_t rowsDim = params.integer("rows_dim");
  params.require(offset + n <= in, fmt::format("expected offset ({}) + n ({}) to be at most n_in ({})", offset, n, in));
  if (auto read = params.finish(); !read)
    return read;

  Value x = b.buffer("x"), out = b.buffer("out");
  forRows(b, b.rows(rowsDim), [&](Value row) {
    copyColumns(b, n, b.offset(b.offset(x, row, in * 4), offset * 4), b.offset(out, row, n * 4));
  });
  return {};
}

} // namespace quipu::cpu
