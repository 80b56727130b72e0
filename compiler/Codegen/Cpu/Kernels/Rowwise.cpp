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
  int64_t n = params.integer("n"), rowsDim = params.integerOr("rows_dim", 0);
  std::string op = params.text("op");
  bool binary = op == "add" || op == "mul";
  auto activation = parseActivation(binary ? "none" : op);
  if (auto read = params.finish(); !read)
    return read;
  if (!activation)
    return passError(std::move(activation));

  Value x = b.buffer(0), y = b.buffer(1), out = b.buffer(2);
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

  Value x = b.buffer(0), rows = b.buffer(1), out = b.buffer(2);
  forRows(b, b.dim(StepDim::Rows), [&](Value row) {
    Value from = b.toI64(b.load(b.offset(rows, row, 4), b.i32()));
    copyColumns(b, n, b.offset(x, from, n * 4), b.offset(out, row, n * 4));
  });
  return {};
}

Expected<> generateSliceColumns(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t in = params.integer("n_in"), offset = params.integer("offset", 0), n = params.integer("n");
  int64_t rowsDim = params.integerOr("rows_dim", 0);
  params.require(offset + n <= in, fmt::format("expected offset ({}) + n ({}) to be at most n_in ({})", offset, n, in));
  if (auto read = params.finish(); !read)
    return read;

  Value x = b.buffer(0), out = b.buffer(1);
  forRows(b, b.rows(rowsDim), [&](Value row) {
    copyColumns(b, n, b.offset(b.offset(x, row, in * 4), offset * 4), b.offset(out, row, n * 4));
  });
  return {};
}

} // namespace quipu::cpu
