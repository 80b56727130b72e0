// Generators that read a row and write a row: pointwise, select_rows, slice_columns, argmax.
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

// The lowest column wins a tie: a lane keeps its first maximum, and of the lanes that hold the largest the lowest
// column is taken.
Expected<> generateArgmax(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t n = params.integer("n"), rowsDim = params.integerOr("rows_dim", 2);
  params.require(n <= 1 << 24, "expected n to be at most 2^24: columns are counted in f32 lanes");
  if (auto read = params.finish(); !read)
    return read;

  int64_t lanes = b.lanes();
  Value logits = b.buffer(0), out = b.buffer(1);
  Value lowest = b.real(-3.4028234663852886e38, lanes), lane = b.intToFloat(b.iota(lanes));
  forRows(b, b.rows(rowsDim), [&](Value row) {
    Value line = b.offset(logits, row, n * 4);
    Values best = b.loop(b.constant(0), b.constant(n), lanes, {lowest, lane, lane},
                         [&](Value column, llvm::ArrayRef<Value> carried) -> Values {
                           Value mask = b.tailMask(b.sub(b.constant(n), column), lanes);
                           Value value = b.select(mask, loadRow(b, line, column, mask), lowest);
                           Value larger = b.lessf(carried[0], value);
                           return {b.select(larger, value, carried[0]), b.select(larger, carried[2], carried[1]),
                                   b.addf(carried[2], b.real(double(lanes), lanes))};
                         });
    Value largest = b.broadcast(b.reduceMax(best[0]), lanes);
    Value beaten = b.lessf(best[0], largest);
    Value column = b.reduceMin(b.select(beaten, b.real(16777216.0, lanes), best[1]));
    b.store(b.floatToInt(column), b.offset(out, row, 4));
  });
  return {};
}

} // namespace quipu::cpu
