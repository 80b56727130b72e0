#include "test/Conformance/MatmulRow.h"

#include <algorithm>
#include <cmath>

namespace quipu::conformance {

std::vector<KernelSpec> matmulStages(const MatmulForm &form, KernelParams pack, KernelParams matmul) {
  KernelParams &first = form.packedInput ? pack : matmul;
  if (form.norm)
    first["norm_eps"] = normEps;
  if (form.centred)
    first["centred"] = true;
  if (form.shift)
    first["shift"] = true;
  if (form.scale != 1)
    matmul["scale"] = form.scale;
  if (form.softcap != 0)
    matmul["softcap"] = form.softcap;
  matmul["n"] = form.n;
  matmul["gated"] = form.gated;
  matmul["bias"] = form.bias;
  matmul["residual"] = form.residual;
  if (!form.activation.empty())
    matmul["activation"] = form.activation;
  if (!form.packedInput)
    return {{"", "matmul", matmul}};
  matmul["packed_input"] = true;
  return {{"", "pack_input", pack}, {"", "matmul", matmul}};
}

MatmulValues matmulValues(const MatmulForm &form, int64_t rows, double inputScale, bool largest) {
  MatmulValues values;
  values.x = randomValues(size_t(rows * form.k), 2);
  values.gain = randomValues(size_t(form.k), 3);
  values.shift = randomValues(size_t(form.k), 7);
  values.bias = randomValues(size_t(form.gated ? 2 * form.n : form.n), 5);
  values.residual = randomValues(size_t(rows * form.n), 6);
  for (float &value : values.x)
    value *= float(inputScale);
  for (size_t i = 0; largest && i < values.x.size(); ++i)
    values.x[i] = i / size_t(form.k) % 2 ? -1.0f : 1.0f;
  if (rows > 2) // a row of zeros: the norm divides by sqrt(eps) alone
    std::fill_n(values.x.begin() + form.k, form.k, 0.0f);
  return values;
}

void giveOptional(Problem &problem, const MatmulForm &form, const MatmulValues &values) {
  if (form.norm)
    problem.operand("gain") = Operand::of(values.gain);
  if (form.shift)
    problem.operand("shift") = Operand::of(values.shift);
  if (form.bias)
    problem.operand("bias") = Operand::of(values.bias);
  if (form.residual)
    problem.operand("residual") = Operand::of(values.residual);
}

std::vector<double> normedRow(const MatmulForm &form, const MatmulValues &values, int64_t t) {
  const float *x = &values.x[size_t(t * form.k)];
  std::vector<double> row(x, x + form.k);
  if (!form.norm)
    return row;
  double mean = 0, sum = 0;
  for (double value : row)
    mean += form.centred ? value / double(form.k) : 0;
  for (double value : row)
    sum += (value - mean) * (value - mean);
  double scale = 1 / std::sqrt(sum / double(form.k) + normEps);
  for (size_t k = 0; k < row.size(); ++k)
    row[k] = (row[k] - mean) * scale * values.gain[k] + (form.shift ? values.shift[k] : 0);
  return row;
}

Sum dot(const std::vector<double> &x, const float *w, double bias) {
  Sum sum{bias, std::abs(bias)};
  for (size_t k = 0; k < x.size(); ++k) {
    sum.value += x[k] * w[k];
    sum.magnitude += std::abs(x[k] * w[k]);
  }
  return sum;
}

static double activated(const std::string &activation, double x) {
  if (activation == "silu")
    return x / (1 + std::exp(-x));
  if (activation == "gelu_tanh")
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  if (activation == "gelu_erf")
    return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  if (activation == "relu")
    return std::max(x, 0.0);
  return x;
}

Sum matmulElement(const MatmulForm &form, const MatmulValues &values, const std::vector<double> &row, int64_t t,
                  int64_t n) {
  auto product = [&](int64_t wRow) {
    return dot(row, &values.w[size_t(wRow * form.k)], form.bias ? values.bias[size_t(wRow)] : 0);
  };
  Sum sum = product(n);
  sum.value = activated(form.activation, sum.value);
  if (form.gated) {
    Sum up = product(form.n + n);
    sum.magnitude = sum.magnitude * std::abs(up.value) + up.magnitude * std::abs(sum.value);
    sum.value *= up.value;
  }
  sum.value *= form.scale;
  sum.magnitude *= form.scale;
  if (form.softcap != 0)
    sum.value = form.softcap * std::tanh(sum.value / form.softcap);
  if (form.residual)
    sum.value += values.residual[size_t(t * form.n + n)];
  return sum;
}

} // namespace quipu::conformance
