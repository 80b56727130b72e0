// Storage types and their conversions (round to nearest even, bit for bit what the CPU does; NaN stays NaN), and the
// fast functions: fastExp2, fastLog2, fastRsqrt within 2 ulp, without denormals.
#pragma once
#include "compiler/Codegen/Gpu/device/platform.h"

// As stored; arithmetic is in f32.
struct f16 {
  u16 bits;
};
struct bf16 {
  u16 bits;
};

QUIPU_DEVICE float widen(float value) { return value; }
QUIPU_DEVICE float widen(bf16 value) { return bitsFloat(u32(value.bits) << 16); }
// The two halves of a word, the low one first in memory.
QUIPU_DEVICE float widenLow(bf16, u32 pair) { return bitsFloat(pair << 16); }
QUIPU_DEVICE float widenHigh(bf16, u32 pair) { return bitsFloat(pair & 0xffff0000u); }

#if QUIPU_NVIDIA && !QUIPU_SIMT
QUIPU_DEVICE float widen(f16 value) {
  float wide;
  asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(value.bits));
  return wide;
}
QUIPU_DEVICE u16 f16Bits(float value) {
  u16 bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
QUIPU_DEVICE u16 bf16Bits(float value) {
  u16 bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
// Two values in a word, `low` first in memory.
QUIPU_DEVICE u32 narrowPair(f16, float low, float high) {
  u32 pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
QUIPU_DEVICE u32 narrowPair(bf16, float low, float high) {
  u32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
#else
QUIPU_DEVICE float widen(f16 value) {
  union {
    u16 bits;
    _Float16 half;
  } both;
  both.bits = value.bits;
  return float(both.half);
}
QUIPU_DEVICE u16 f16Bits(float value) {
  union {
    _Float16 half;
    u16 bits;
  } both;
  both.half = _Float16(value);
  return both.bits;
}
QUIPU_DEVICE u16 bf16Bits(float value) {
  u32 bits = floatBits(value);
  u32 rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  return u16(value != value ? bits >> 16 | 0x40 : rounded);
}
QUIPU_DEVICE u32 narrowPair(f16, float low, float high) {
  typedef _Float16 Pair __attribute__((ext_vector_type(2)));
  union {
    Pair pair;
    u32 bits;
  } both;
  both.pair = Pair{_Float16(low), _Float16(high)};
  return both.bits;
}
QUIPU_DEVICE u32 narrowPair(bf16, float low, float high) { return bf16Bits(low) | u32(bf16Bits(high)) << 16; }
#endif

QUIPU_DEVICE float widenLow(f16, u32 pair) { return widen(f16{u16(pair)}); }
QUIPU_DEVICE float widenHigh(f16, u32 pair) { return widen(f16{u16(pair >> 16)}); }

QUIPU_DEVICE void narrow(float value, float &stored) { stored = value; }
QUIPU_DEVICE void narrow(float value, f16 &stored) { stored.bits = f16Bits(value); }
QUIPU_DEVICE void narrow(float value, bf16 &stored) { stored.bits = bf16Bits(value); }

#if QUIPU_SIMT
QUIPU_DEVICE float fastExp2(float x) { return __builtin_exp2f(x); }
QUIPU_DEVICE float fastLog2(float x) { return __builtin_log2f(x); }
QUIPU_DEVICE float fastRsqrt(float x) { return 1.0f / __builtin_sqrtf(x); }
QUIPU_DEVICE float fusedMultiplyAdd(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#elif QUIPU_NVIDIA
QUIPU_DEVICE float fastExp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
QUIPU_DEVICE float fastLog2(float x) {
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
QUIPU_DEVICE float fastRsqrt(float x) {
  float y;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
QUIPU_DEVICE float fusedMultiplyAdd(float a, float b, float c) {
  float d;
  asm("fma.rn.f32 %0, %1, %2, %3;" : "=f"(d) : "f"(a), "f"(b), "f"(c));
  return d;
}
#else
// llvm.exp2 is v_exp_f32 and four more instructions for denormal results (llvm.log2 for denormal arguments); old
// compilers have nothing else.
#if __has_builtin(__builtin_amdgcn_exp2f)
QUIPU_DEVICE float fastExp2(float x) { return __builtin_amdgcn_exp2f(x); }
QUIPU_DEVICE float fastLog2(float x) { return __builtin_amdgcn_logf(x); }
#else
QUIPU_DEVICE float fastExp2(float x) { return __builtin_exp2f(x); }
QUIPU_DEVICE float fastLog2(float x) { return __builtin_log2f(x); }
#endif
QUIPU_DEVICE float fastRsqrt(float x) { return __builtin_amdgcn_rsqf(x); }
QUIPU_DEVICE float fusedMultiplyAdd(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#endif

// The value is computed here and not later. LLVM puts arithmetic as late as it can: many products, each of its own
// load, become all loads first, in as many registers.
QUIPU_DEVICE void settle(float &value) {
#if QUIPU_AMD && !QUIPU_SIMT
  asm volatile("" : "+v"(value));
#endif
}

// sum + the products of the elements, one or two, of two words.
QUIPU_DEVICE float multiplyWords(float, u32 a, u32 b, float sum) {
  return fusedMultiplyAdd(bitsFloat(a), bitsFloat(b), sum);
}
template <class T> QUIPU_DEVICE float multiplyWords(T type, u32 a, u32 b, float sum) {
  sum = fusedMultiplyAdd(widenLow(type, a), widenLow(type, b), sum);
  return fusedMultiplyAdd(widenHigh(type, a), widenHigh(type, b), sum);
}
#if QUIPU_DOT_F16 && !QUIPU_SIMT
QUIPU_DEVICE float multiplyWords(f16, u32 a, u32 b, float sum) {
  typedef _Float16 Pair __attribute__((ext_vector_type(2)));
  union {
    u32 bits;
    Pair pair;
  } left = {a}, right = {b};
  return __builtin_amdgcn_fdot2(left.pair, right.pair, sum, false);
}
#endif

QUIPU_DEVICE float fastExp(float x) { return fastExp2(x * 1.44269504088896341f); }

// A NaN in b is passed over, one in a is kept: what the online softmax and sample want of a running maximum.
QUIPU_DEVICE float larger(float a, float b) { return b > a ? b : a; }
QUIPU_DEVICE int smaller(int a, int b) { return b < a ? b : a; }
QUIPU_DEVICE int larger(int a, int b) { return b > a ? b : a; }

// 1 - 2 / (e^2x + 1): the absolute error is an ulp of 1, which is what gelu needs of it. Where e^2x is infinite the
// quotient is 0.
QUIPU_DEVICE float tanhOf(float x) { return 1.0f - 2.0f / (fastExp(x + x) + 1.0f); }

// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
QUIPU_DEVICE float erfOf(float x) {
  float magnitude = x < 0 ? -x : x;
  float t = 1.0f / (magnitude * 0.3275911f + 1.0f);
  float p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
  float result = 1.0f - p * fastExp(-(magnitude * magnitude));
  return x < 0 ? -result : result;
}

enum class Activation { None, Silu, GeluTanh, GeluErf, Relu };

template <Activation activation> QUIPU_DEVICE float activate(float x) {
  if (activation == Activation::Silu)
    return x / (1.0f + fastExp(-x));
  if (activation == Activation::GeluTanh)
    return 0.5f * x * (1.0f + tanhOf(0.7978845608028654f * (x * x * x * 0.044715f + x)));
  if (activation == Activation::GeluErf)
    return 0.5f * x * (1.0f + erfOf(x * 0.7071067811865476f));
  if (activation == Activation::Relu)
    return x < 0 ? 0 : x;
  return x;
}
