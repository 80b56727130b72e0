// The least kernel, for tests of the compilers of GPU code.
#pragma once

#include <string>

namespace quipu::gpu {

// In front of a source for any of them: clang without a vendor's headers has no such words.
constexpr const char *kernelWords = R"(
#if defined(__clang__) && !defined(__global__)
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#endif
)";

inline std::string doubling(const std::string &symbol) {
  return kernelWords + ("extern \"C\" __global__ void " + symbol + "(float *x) { *x = *x + *x; }\n");
}

} // namespace quipu::gpu
