#include "compiler/Codegen/Cpu/VectorMath.h"

#include "mlir/IR/BuiltinTypes.h"

namespace quipu::cpu {

static int64_t lanesOf(Value value) {
  auto vector = mlir::dyn_cast<mlir::VectorType>(value.getType());
  return vector ? vector.getNumElements() : 1;
}

// x = n ln 2 + r, |r| <= ln 2 / 2; e^x = 2^n e^r. Polynomial and the two-part ln 2: S. Moshier, Cephes, expf.c.
Value expf(KernelBuilder &b, Value x) {
  int64_t lanes = lanesOf(x);
  auto real = [&](double value) { return b.real(value, lanes); };
  // Written so that a NaN falls through both clamps.
  Value clamped = b.select(b.lessf(real(88.3), x), real(88.3), x);
  clamped = b.select(b.lessf(clamped, real(-87.3)), real(-87.3), clamped);
  Value n = b.roundEven(b.mulf(clamped, real(1.44269504088896341)));
  Value r = b.fma(n, real(-0.693359375), clamped);
  r = b.fma(n, real(2.12194440e-4), r);

  Value p = real(1.9875691500e-4);
  for (double coefficient : {1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1})
    p = b.fma(p, r, real(coefficient));
  p = b.addf(b.fma(p, b.mulf(r, r), r), real(1));

  // A NaN turns to some integer here; p is NaN already and stays so.
  Value exponent = b.shiftLeft(b.add(b.floatToInt(b.select(b.lessf(n, real(200)), n, real(0))), 127), 23);
  Value result = b.mulf(p, b.bitcast(exponent, b.f32(lanes)));
  return b.select(b.lessf(x, real(-87.3)), real(0), result);
}

// x = n + r, |r| <= 1/2; 2^x = 2^n 2^r. Polynomial: S. Moshier, Cephes, exp2f.c. Where no instruction multiplies by
// 2^n, adding 1.5 * 2^23 rounds x to n and leaves n in the low bits, from where a shift puts it on the exponent. A NaN
// falls through the clamp and stays one.
Value exp2OfNegative(KernelBuilder &b, Value x) {
  int64_t lanes = lanesOf(x);
  auto real = [&](double value) { return b.real(value, lanes); };
  bool scales = lanes == 16; // AVX-512
  Value clamped = b.maxf(real(scales ? -1000 : -126), x);
  Value shifted = scales ? b.roundEven(clamped) : b.addf(clamped, real(12582912));
  Value r = b.subf(clamped, scales ? shifted : b.subf(shifted, real(12582912)));
  Value p = real(1.535336188319500e-4);
  for (double coefficient :
       {1.339887440266574e-3, 9.618437357674640e-3, 5.550332471162809e-2, 2.402264791363012e-1, 6.931472028550421e-1})
    p = b.fma(p, r, real(coefficient));
  p = b.fma(p, r, real(1));
  mlir::Type bits = b.i32(lanes);
  if (scales)
    return b.intrinsic("llvm.x86.avx512.mask.scalef.ps.512", x.getType(),
                       {p, shifted, p, b.constant(-1, b.i16()), b.constant(4, b.i32())});
  Value result = b.bitcast(b.add(b.bitcast(p, bits), b.shiftLeft(b.bitcast(shifted, bits), 23)), b.f32(lanes));
  return b.select(b.lessf(x, real(-126)), real(0), result);
}

// x = n + r, n the integer below; `scalef` takes n from x itself. Polynomial: least largest relative error on [0, 1],
// 1 at 0 (Remez exchange).
Value exp2OfNegativeRough(KernelBuilder &b, Value x) {
  int64_t lanes = lanesOf(x);
  auto intrinsic = [&](llvm::StringRef name, llvm::ArrayRef<Value> arguments) {
    return b.intrinsic(name, x.getType(), arguments);
  };
  Value all = b.constant(-1, b.i16()), current = b.constant(4, b.i32()); // lanes; rounding
  Value r = intrinsic("llvm.x86.avx512.mask.reduce.ps.512", {x, b.constant(/*down*/ 1, b.i32()), x, all, current});
  Value p = b.real(1.342668429e-2, lanes);
  for (double coefficient : {5.224247419e-2, 2.412802048e-1, 6.930448449e-1, 1.0})
    p = b.fma(p, r, b.real(coefficient, lanes));
  return intrinsic("llvm.x86.avx512.mask.scalef.ps.512", {p, x, p, all, current});
}

// The fraction is taken about 1, from sqrt(1/2) to sqrt(2): what is above halves and counts one more.
LogParts splitLog(KernelBuilder &b, Value x) {
  int64_t lanes = lanesOf(x);
  mlir::Type wide = b.i32(lanes);
  constexpr int64_t rootHalf = 0x3f3504f3; // the bits of sqrt(1/2)
  Value bits = b.sub(b.bitcast(x, wide), b.constant(rootHalf, wide));
  Value exponent = b.shiftRightSigned(bits, 23);
  Value mantissa = b.add(b.bitAnd(bits, b.constant(0x7fffff, wide)), b.constant(rootHalf, wide));
  return {b.intToFloat(exponent), b.subf(b.bitcast(mantissa, b.f32(lanes)), b.real(1, lanes))};
}

// Polynomial and the two-part ln 2: S. Moshier, Cephes, logf.c.
Value logOf(KernelBuilder &b, const LogParts &parts) {
  int64_t lanes = lanesOf(parts.fraction);
  auto real = [&](double value) { return b.real(value, lanes); };
  Value f = parts.fraction, square = b.mulf(f, f), p = real(7.0376836292e-2);
  for (double coefficient : {-1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
                             2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1})
    p = b.fma(p, f, real(coefficient));
  Value tail = b.fma(p, b.mulf(square, f), b.mulf(parts.exponent, real(-2.12194440e-4)));
  Value sum = b.addf(f, b.fma(square, real(-0.5), tail));
  return b.fma(parts.exponent, real(0.693359375), sum);
}

// 1 - 2 / (e^2x + 1): the absolute error is an ulp of 1, which is what gelu needs of it.
Value tanhf(KernelBuilder &b, Value x) {
  int64_t lanes = lanesOf(x);
  Value e = expf(b, b.addf(x, x));
  return b.subf(b.real(1, lanes), b.divf(b.real(2, lanes), b.addf(e, b.real(1, lanes))));
}

// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
Value erff(KernelBuilder &b, Value x) {
  int64_t lanes = lanesOf(x);
  auto real = [&](double value) { return b.real(value, lanes); };
  Value magnitude = b.absf(x);
  Value t = b.divf(real(1), b.fma(magnitude, real(0.3275911), real(1)));
  Value p = real(1.061405429);
  for (double coefficient : {-1.453152027, 1.421413741, -0.284496736, 0.254829592})
    p = b.fma(p, t, real(coefficient));
  Value tail = b.mulf(b.mulf(p, t), expf(b, b.negf(b.mulf(magnitude, magnitude))));
  Value result = b.subf(real(1), tail);
  return b.select(b.lessf(x, real(0)), b.negf(result), result);
}

Value sigmoidf(KernelBuilder &b, Value x) {
  int64_t lanes = lanesOf(x);
  return b.divf(b.real(1, lanes), b.addf(b.real(1, lanes), expf(b, b.negf(x))));
}

Value softcap(KernelBuilder &b, Value x, double cap) {
  int64_t lanes = lanesOf(x);
  return b.mulf(tanhf(b, b.mulf(x, b.real(1 / cap, lanes))), b.real(cap, lanes));
}

Expected<Activation> parseActivation(const std::string &name) {
  if (name.empty() || name == "none")
    return Activation::None;
  if (name == "silu")
    return Activation::Silu;
  if (name == "gelu_tanh")
    return Activation::GeluTanh;
  if (name == "gelu_erf")
    return Activation::GeluErf;
  if (name == "relu")
    return Activation::Relu;
  if (name == "relu2")
    return Activation::Relu2;
  if (name == "sigmoid")
    return Activation::Sigmoid;
  return makeError("unknown activation \"{}\"", name);
}

Value activate(KernelBuilder &b, Activation activation, Value x) {
  int64_t lanes = lanesOf(x);
  auto real = [&](double value) { return b.real(value, lanes); };
  switch (activation) {
  case Activation::None:
    return x;
  case Activation::Silu:
    return b.divf(x, b.addf(real(1), expf(b, b.negf(x))));
  case Activation::GeluTanh: {
    Value inner = b.mulf(real(0.7978845608028654), b.fma(b.mulf(b.mulf(x, x), x), real(0.044715), x));
    return b.mulf(b.mulf(real(0.5), x), b.addf(real(1), tanhf(b, inner)));
  }
  case Activation::GeluErf:
    return b.mulf(b.mulf(real(0.5), x), b.addf(real(1), erff(b, b.mulf(x, real(0.7071067811865476)))));
  case Activation::Relu:
    return b.select(b.lessf(x, real(0)), real(0), x);
  case Activation::Relu2: {
    Value positive = b.select(b.lessf(x, real(0)), real(0), x);
    return b.mulf(positive, positive);
  }
  case Activation::Sigmoid:
    return sigmoidf(b, x);
  }
  return x;
}

} // namespace quipu::cpu
