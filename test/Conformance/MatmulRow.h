// What rows of matmul have in common on every device: parameters of the stages, values, the obvious computation.
#pragma once

#include "test/Conformance/KernelRow.h"

namespace quipu::conformance {

struct MatmulForm {
  int64_t n, k;
  bool packedInput, gated, bias, residual, norm;
  std::string activation; // empty: none
  // What no GPU has yet.
  bool centred = false, shift = false; // of the norm
  double scale = 1, softcap = 0;       // 1, 0: none
};

constexpr double normEps = 1e-5;

// matmul, or pack_input then matmul where the input is packed; the norm is the first one's. `pack` and `matmul` hold
// what a device adds.
std::vector<KernelSpec> matmulStages(const MatmulForm &form, KernelParams pack, KernelParams matmul);

struct MatmulValues {
  std::vector<float> x, gain, shift, w, bias, residual; // w [n, k], gated [2n, k]: as stored
};
// All but w. `largest`: x at the ends of its range.
MatmulValues matmulValues(const MatmulForm &form, int64_t rows, double inputScale, bool largest = false);

// The operands gain, shift, bias and residual, as far as the form has them.
void giveOptional(Problem &problem, const MatmulForm &form, const MatmulValues &values);

// Row t of x after the norm.
std::vector<double> normedRow(const MatmulForm &form, const MatmulValues &values, int64_t t);

// A sum and that of its terms' magnitudes.
struct Sum {
  double value = 0, magnitude = 0;
};
Sum dot(const std::vector<double> &x, const float *w, double bias);
// Element [t, n] of the result, from row t as the kernel multiplies it.
Sum matmulElement(const MatmulForm &form, const MatmulValues &values, const std::vector<double> &row, int64_t t,
                  int64_t n);

} // namespace quipu::conformance
