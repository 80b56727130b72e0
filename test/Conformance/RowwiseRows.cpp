// pointwise, rms_norm, select_rows and slice_columns against compiler/Reference.
#include "compiler/Reference/Ops.h"
#include "test/Conformance/SharedRows.h"

#include <algorithm>
#include <cmath>

namespace quipu::conformance {
namespace {

reference::Tensor randomTensor(int64_t rows, int64_t cols, uint32_t seed, double scale = 1) {
  reference::Tensor tensor(rows, cols);
  std::vector<float> values = randomValues(size_t(rows * cols), seed);
  for (size_t i = 0; i < values.size(); ++i)
    tensor.data[i] = float(values[i] * scale);
  return tensor;
}

Operand floats(const reference::Tensor &tensor) {
  return Operand::of(std::vector<float>(tensor.data.begin(), tensor.data.end()));
}

KernelRow pointwiseRow(const std::string &op, int64_t n, double tolerance) {
  KernelRow row;
  row.name = fmt::format("pointwise_{}_n{}", op, n);
  row.stages = {{"", "pointwise", {{"n", n}, {"op", op}, {"rows_dim", int64_t(Tokens)}}}};
  row.tolerance = tolerance;
  row.sizes = {1, 2, 5};
  row.make = [=](int64_t rows) {
    reference::Tensor a = randomTensor(rows, n, 1, 12), b = randomTensor(rows, n, 2, 12);
    a.data[0] = 200, a.data[size_t(n / 2)] = -200; // where exp overflows and underflows
    reference::Tensor want = op == "add"         ? reference::add(a, b)
                             : op == "mul"       ? reference::multiply(a, b)
                             : op == "silu"      ? reference::activation(reference::Activation::Silu, a)
                             : op == "gelu_tanh" ? reference::activation(reference::Activation::GeluTanh, a)
                             : op == "gelu_erf"  ? reference::activation(reference::Activation::GeluErf, a)
                                                 : reference::activation(reference::Activation::Relu, a);
    bool binary = op == "add" || op == "mul";
    Problem problem("pointwise");
    problem.dims[Tokens] = rows;
    problem.give({{"x", floats(a)}, {"out", Operand::output(size_t(rows * n * 4))}});
    if (binary)
      problem.operand("y") = floats(b);
    Expectation out{problem.indexOf("out"), ElementType::F32, want.data, {}};
    for (double x : a.data)
      out.magnitude.push_back(std::abs(x)); // gelu's tails are differences of near equals
    problem.expected = {out};
    return problem;
  };
  return row;
}

// One row of values as the reference reads a weight.
class Vector : public reference::Weight {
public:
  explicit Vector(std::vector<float> values) : values(std::move(values)) {}
  int64_t rows() const override { return 1; }
  int64_t cols() const override { return int64_t(values.size()); }
  void readRow(int64_t, double *out) const override { std::copy(values.begin(), values.end(), out); }
  std::vector<float> values;
};

KernelRow rmsNormRow(int64_t n) {
  KernelRow row;
  row.name = fmt::format("rms_norm_n{}", n);
  row.stages = {{"", "rms_norm", {{"n", n}, {"eps", 1e-5}, {"rows_dim", int64_t(Tokens)}}}};
  row.tolerance = 1e-6;
  row.sizes = {1, 2, 7};
  row.make = [=](int64_t rows) {
    reference::Tensor x = randomTensor(rows, n, 1, 30);
    std::fill_n(x.row(rows - 1), n, 0.0); // the norm divides by sqrt(eps) alone
    Vector gain(randomValues(size_t(n), 2));
    Problem problem("rms_norm");
    problem.dims[Tokens] = rows;
    problem.give(
        {{"x", floats(x)}, {"gain", Operand::of(gain.values)}, {"out", Operand::output(size_t(rows * n * 4))}});
    problem.expected = {{problem.indexOf("out"), ElementType::F32, reference::rmsNorm(x, gain, 1e-5).data, {}}};
    return problem;
  };
  return row;
}

KernelRow selectRow(int64_t n) {
  KernelRow row;
  row.name = fmt::format("select_rows_n{}", n);
  row.stages = {{"", "select_rows", {{"n", n}}}};
  row.tolerance = 0;
  row.sizes = {1, 2, 7};
  row.make = [=](int64_t count) {
    reference::Tensor x = randomTensor(9, n, 1);
    reference::IntTensor rows;
    for (int64_t r = 0; r < count; ++r)
      rows.push_back(int32_t((8 + 5 * r) % 9));
    Problem problem("select_rows");
    problem.dims[Tokens] = 9;
    problem.dims[Rows] = count;
    problem.give({{"x", floats(x)}, {"rows", Operand::of(rows)}, {"out", Operand::output(size_t(count * n * 4))}});
    problem.expected = {{problem.indexOf("out"), ElementType::F32, reference::selectRows(x, rows).data, {}}};
    return problem;
  };
  return row;
}

KernelRow sliceRow(int64_t in, int64_t offset, int64_t n) {
  KernelRow row;
  row.name = fmt::format("slice_columns_{}_at{}_n{}", in, offset, n);
  row.stages = {{"", "slice_columns", {{"n_in", in}, {"offset", offset}, {"n", n}, {"rows_dim", int64_t(Tokens)}}}};
  row.tolerance = 0;
  row.sizes = {1, 2, 7};
  row.make = [=](int64_t rows) {
    reference::Tensor x = randomTensor(rows, in, 1);
    Problem problem("slice_columns");
    problem.dims[Tokens] = rows;
    problem.give({{"x", floats(x)}, {"out", Operand::output(size_t(rows * n * 4))}});
    problem.expected = {{problem.indexOf("out"), ElementType::F32, reference::sliceColumns(x, offset, n).data, {}}};
    return problem;
  };
  return row;
}

} // namespace

std::vector<KernelRow> rowwiseRows() {
  std::vector<KernelRow> rows;
  for (const char *op : {"add", "mul", "relu"})
    rows.push_back(pointwiseRow(op, 37, 1e-7));
  for (const char *op : {"silu", "gelu_tanh", "gelu_erf"})
    rows.push_back(pointwiseRow(op, 100, 1e-6));
  rows.push_back(rmsNormRow(64));
  rows.push_back(rmsNormRow(101));
  rows.push_back(selectRow(64));
  rows.push_back(selectRow(37));
  rows.push_back(sliceRow(96, 32, 32));
  rows.push_back(sliceRow(37, 11, 13));
  return rows;
}

} // namespace quipu::conformance
