// rms_norm and layer_norm: each of `groups` equal parts of a row normalised apart, plus a residual where there is one.
#include "compiler/Codegen/Cpu/Kernels/Norm.h"
#include "compiler/Codegen/Cpu/Generators.h"

namespace quipu::cpu {
namespace {

// The sum of term(x, mask) over the columns of a row.
Value sumOverRow(KernelBuilder &b, Value row, Value count,
                 llvm::function_ref<Value(Value x, Value mask, Value sum)> add) {
  constexpr int64_t chains = 4; // partial sums, so that one addition does not wait for the last
  int64_t lanes = b.lanes();
  Values zeros(chains, b.real(0, lanes));
  Values sums = b.loop(b.constant(0), count, chains * lanes, zeros, [&](Value column, llvm::ArrayRef<Value> carried) {
    Values next;
    for (int64_t chain = 0; chain < chains; ++chain) {
      Value at = b.add(column, chain * lanes), mask = b.tailMask(b.sub(count, at), lanes);
      next.push_back(add(b.loadOr0(b.offset(row, at, 4), b.f32(lanes), mask), mask, carried[chain]));
    }
    return next;
  });
  return b.reduceAdd(b.addf(b.addf(sums[0], sums[1]), b.addf(sums[2], sums[3])));
}

} // namespace

std::optional<Norm> Norm::read(ParamReader &params) {
  bool centred = params.flag("centred");
  if (!params.has("norm_eps"))
    return std::nullopt;
  return Norm{centred, params.real("norm_eps")};
}

// The variance is that of the distances from the mean, in a second pass: the difference of two sums would lose the
// digits of a row whose mean is large.
RowNorm rowNorm(KernelBuilder &b, const Norm &norm, Value row, int64_t k, Value count) {
  Value size = b.real(double(k)), mean;
  if (norm.centred) {
    Value sum = sumOverRow(b, row, count, [&](Value x, Value, Value sum) { return b.addf(sum, x); });
    mean = b.divf(sum, size);
  }
  Value squares = sumOverRow(b, row, count, [&](Value x, Value mask, Value sum) {
    if (mean)
      x = b.select(mask, b.subf(x, b.broadcast(mean, b.lanes())), b.real(0, b.lanes()));
    return b.fma(x, x, sum);
  });
  Value scale = b.divf(b.real(1), b.sqrtf(b.addf(b.divf(squares, size), b.real(norm.eps))));
  return {scale, mean ? b.negf(b.mulf(mean, scale)) : Value()};
}

RowNorm broadcast(KernelBuilder &b, const RowNorm &norm) {
  return {b.broadcast(norm.scale, b.lanes()), norm.shift ? b.broadcast(norm.shift, b.lanes()) : Value()};
}

Value normalised(KernelBuilder &b, const RowNorm &norm, Value x, Value gain, Value bias, Value column, Value mask) {
  mlir::Type vector = b.f32(b.lanes());
  auto operand = [&](Value row) {
    Value at = b.offset(row, column, 4);
    return mask ? b.loadOr0(at, vector, mask) : b.load(at, vector);
  };
  Value y = norm.shift ? b.fma(x, norm.scale, norm.shift) : b.mulf(x, norm.scale);
  // A gain is 0 in lanes that are not there, and so is what it multiplies.
  if (gain)
    y = b.mulf(y, operand(gain));
  else if (norm.shift && mask)
    y = b.select(mask, y, b.real(0, b.lanes()));
  return bias ? b.addf(y, operand(bias)) : y;
}

Expected<> generateNorm(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t n = params.integer("n"), groups = params.integer("groups"), rowsDim = params.integer("rows_dim");
  Norm norm{spec.generator == "layer_norm", params.real("eps")};
  int64_t gains = params.integerOr("gains", 0); // 0: no gain; those of one group serve all
  bool hasBias = spec.generator == "layer_norm" && params.flag("bias"), residual = params.flag("residual");
  params.require(n % groups == 0, fmt::format("expected n ({}) to be whole groups ({})", n, groups));
  if (auto read = params.finish(); !read)
    return read;

  int64_t size = n / groups;
  Value x = b.buffer("x"), gain = b.buffer("gain"), before = b.buffer("residual"), out = b.buffer("out");
  Value bias = hasBias ? b.buffer("bias") : Value();
  // A work item is a group of a row: groups are apart, and rows lie one behind the other.
  auto [first, last] = b.workerRange(b.mul(b.rows(rowsDim), groups));
  b.loop(first, last, 1, [&](Value item) {
    auto itemOf = [&](Value buffer) { return b.offset(buffer, item, size * 4); };
    RowNorm row = broadcast(b, rowNorm(b, norm, itemOf(x), size, b.constant(size)));
    Value group = gains != n || groups == 1 ? b.constant(0) : b.rem(item, groups);
    Value gainOf = gains ? b.offset(gain, group, size * 4) : Value();
    Value biasOf = bias ? b.offset(bias, group, size * 4) : Value();
    b.forVectors(size, [&](Value column, Value mask) {
      Value value = b.loadOr0(b.offset(itemOf(x), column, 4), b.f32(b.lanes()), mask);
      Value y = normalised(b, row, value, gainOf, biasOf, column, mask);
      if (residual)
        y = b.addf(y, b.loadOr0(b.offset(itemOf(before), column, 4), b.f32(b.lanes()), mask));
      b.store(y, b.offset(itemOf(out), column, 4), mask);
    });
  });
  return {};
}

} // namespace quipu::cpu
