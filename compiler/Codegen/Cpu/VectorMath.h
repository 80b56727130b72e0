// Elementary functions on f32 vectors, in line: a kernel's shared object calls no library.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"

namespace quipu::cpu {

// e^x, at most 2 ulp off; 0 below -87.3, the largest finite power above 88.3; NaN stays NaN.
Value expf(KernelBuilder &b, Value x);
// 2^x of x <= 0, at most 2 ulp off; 0 below -126; NaN stays NaN.
Value exp2OfNegative(KernelBuilder &b, Value x);
// The same of x <= 0 or minus infinity, at most 3e-6 of the result off, for results that are rounded to 16 bits or
// fewer. Needs AVX-512.
Value exp2OfNegativeRough(KernelBuilder &b, Value x);
// The natural logarithm of a normal x above 0, at most 2 ulp off, in two steps: x = 2^exponent (1 + fraction).
struct LogParts {
  Value exponent; // whole, as f32
  Value fraction; // -0.3 .. 0.41
};
LogParts splitLog(KernelBuilder &b, Value x);
Value logOf(KernelBuilder &b, const LogParts &parts);

Value tanhf(KernelBuilder &b, Value x);
Value erff(KernelBuilder &b, Value x); // at most 2e-7 off
Value sigmoidf(KernelBuilder &b, Value x);
Value softcap(KernelBuilder &b, Value x, double cap); // cap * tanh(x / cap)

enum class Activation { None, Silu, GeluTanh, GeluErf, Relu, Relu2, Sigmoid };

// The names of lm's activations: "silu", "gelu_tanh", ...; "" and "none" are None.
Expected<Activation> parseActivation(const std::string &name);
Value activate(KernelBuilder &b, Activation activation, Value x);

} // namespace quipu::cpu
