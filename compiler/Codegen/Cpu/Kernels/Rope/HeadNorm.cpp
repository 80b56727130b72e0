#include "compiler/Codegen/Cpu/Kernels/Rope/HeadNorm.h"

#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/VectorMath.h"

namespace quipu::cpu {

std::optional<HeadNorm> HeadNorm::read(ParamReader &params, int64_t heads, int64_t kvHeads, int64_t dim) {
  bool centred = params.flag("centred"), whole = params.flag("whole");
  int64_t gains = params.integerOr("gains", dim), kGains = params.integerOr("k_gains", dim);
  bool ofOne = gains == dim && kGains == dim, ofAll = gains == heads * dim && kGains == kvHeads * dim;
  params.require(ofOne || ofAll, "expected gains and k_gains of one head or of all heads");
  params.require(!whole || (!centred && gains == heads * dim), "expected whole with gains of all heads, not centred");
  if (!params.has("norm_eps"))
    return std::nullopt;
  return HeadNorm{{centred, params.real("norm_eps")}, dim, whole, gains == dim && heads > 1};
}

void HeadNorm::storeFactors(KernelBuilder &b, Value row, int64_t heads, int64_t kvHeads, Value factors) const {
  auto scaleOf = [&](Value first, int64_t count) {
    return rowNorm(b, norm, first, count * dim, b.constant(count * dim)).scale;
  };
  b.store(scaleOf(row, heads), factors);
  b.store(scaleOf(b.offset(row, heads * dim * 4), kvHeads), b.offset(factors, 4));
}

void HeadNorm::emit(KernelBuilder &b, Value x, Value gain, Value head, Value factor, Value out) const {
  RowNorm statistics = whole ? RowNorm{b.load(factor, b.f32()), Value()} : rowNorm(b, norm, x, dim, b.constant(dim));
  statistics = broadcast(b, statistics);
  Value gainOfHead = sharedGain ? gain : b.offset(gain, head, dim * 4);
  b.forVectors(dim, [&](Value column, Value mask) {
    Value value = b.loadOr0(b.offset(x, column, 4), b.f32(b.lanes()), mask);
    b.store(normalised(b, statistics, value, gainOfHead, /*bias=*/Value(), column, mask), b.offset(out, column, 4),
            mask);
  });
}

std::optional<PositionScale> PositionScale::read(ParamReader &params) {
  PositionScale scale{params.real("query_scale_beta"), params.integerOr("query_scale_length", 1)};
  return params.has("query_scale_beta") ? std::optional(scale) : std::nullopt;
}

Value PositionScale::of(KernelBuilder &b, Value positions, Value token) const {
  Value position = b.toI64(b.load(b.offset(positions, token, 4), b.i32()));
  Value periods = b.truncate(b.add(b.div(position, length), 1), b.i32());
  Value logarithm = logOf(b, splitLog(b, b.intToFloat(periods)));
  return b.fma(b.real(beta), logarithm, b.real(1));
}

Expected<> generatePositionScale(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  int64_t n = params.integer("n");
  PositionScale scale{params.real("beta"), params.integer("length")};
  if (auto read = params.finish(); !read)
    return read;

  Value x = b.buffer("x"), positions = b.buffer("positions"), out = b.buffer("out");
  auto [first, last] = b.workerRange(b.dim(StepDim::Tokens));
  b.loop(first, last, 1, [&](Value token) {
    Value factor = b.broadcast(scale.of(b, positions, token), b.lanes());
    b.forVectors(n, [&](Value column, Value mask) {
      Value value = b.loadOr0(b.offset(b.offset(x, token, n * 4), column, 4), b.f32(b.lanes()), mask);
      b.store(b.mulf(value, factor), b.offset(b.offset(out, token, n * 4), column, 4), mask);
    });
  });
  return {};
}

} // namespace quipu::cpu
