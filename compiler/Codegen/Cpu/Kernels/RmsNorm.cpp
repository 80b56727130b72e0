#include "compiler/Codegen/Cpu/Kernels/RmsNorm.h"
#include "compiler/Codegen/Cpu/Generators.h"

namespace quipu::cpu {

Value rmsNormScale(KernelBuilder &b, Value row, int64_t k, Value count, double eps) {
  constexpr int64_t chains = 4; // partial sums, so that one addition does not wait for the last
  int64_t lanes = b.lanes();
  Values zeros(chains, b.real(0, lanes));
  Values sums = b.loop(b.constant(0), count, chains * lanes, zeros, [&](Value column, llvm::ArrayRef<Value> carried) {
    Values next;
    for (int64_t chain = 0; chain < chains; ++chain) {
      Value at = b.add(column, chain * lanes);
      Value v = b.loadOr0(b.offset(row, at, 4), b.f32(lanes), b.tailMask(b.sub(count, at), lanes));
      next.push_back(b.fma(v, v, carried[chain]));
    }
    return next;
  });
  Value sum = b.reduceAdd(b.addf(b.addf(sums[0], sums[1]), b.addf(sums[2], sums[3])));
  Value mean = b.divf(sum, b.real(double(k)));
  return b.divf(b.real(1), b.sqrtf(b.addf(mean, b.real(eps))));
}

Expected<> generateRmsNorm(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t n = params.integer("n"), rowsDim = params.integer("rows_dim");
  double eps = params.real("eps");
  if (auto read = params.finish(); !read)
    return read;

  Value x = b.buffer("x"), gain = b.buffer("gain"), out = b.buffer("out");
  auto [first, last] = b.workerRange(b.rows(rowsDim));
  b.loop(first, last, 1, [&](Value index) {
    Value row = b.offset(x, index, n * 4), outRow = b.offset(out, index, n * 4);
    Value scale = b.broadcast(rmsNormScale(b, row, n, b.constant(n), eps), b.lanes());
    b.forVectors(n, [&](Value column, Value mask) {
      Value value = b.loadOr0(b.offset(row, column, 4), b.f32(b.lanes()), mask);
      Value factor = b.loadOr0(b.offset(gain, column, 4), b.f32(b.lanes()), mask);
      b.store(b.mulf(b.mulf(value, scale), factor), b.offset(outRow, column, 4), mask);
    });
  });
  return {};
}

} // namespace quipu::cpu
