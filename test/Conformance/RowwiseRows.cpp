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

constexpr double pointwiseFactor = 7.5; // of scale and softcap

KernelRow pointwiseRow(const std::string &op, int64_t n, double tolerance) {
  KernelRow row;
  row.name = fmt::format("pointwise_{}_n{}", op, n);
  row.stages = {{"", "pointwise", {{"n", n}, {"op", op}, {"rows_dim", int64_t(Tokens)}}}};
  if (op == "scale" || op == "softcap")
    row.stages[0].params["factor"] = pointwiseFactor;
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
                             : op == "relu2"     ? reference::activation(reference::Activation::Relu2, a)
                             : op == "sigmoid"   ? reference::activation(reference::Activation::Sigmoid, a)
                             : op == "scale"     ? reference::scale(a, pointwiseFactor)
                             : op == "softcap"   ? reference::softcap(a, pointwiseFactor)
                                                 : reference::activation(reference::Activation::Relu, a);
    bool binary = op == "add" || op == "mul";
    Problem problem("pointwise");
    problem.dims[Tokens] = rows;
    problem.give({{"x", floats(a)}, {"out", Operand::output(size_t(rows * n * 4))}});
    if (binary)
      problem.operand("y") = floats(b);
    Expectation out{problem.indexOf("out"), ElementType::F32, want.data, {}};
    // gelu's tails are differences of near equals, and so is a softcap of little.
    for (double x : a.data)
      out.magnitude.push_back(std::abs(x) + (op == "softcap" ? 1 : 0));
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

struct NormCase {
  int64_t n;
  bool centred = false;
  int64_t groups = 1, gains = 0; // 0: no gain
  bool bias = false, residual = false;
};

KernelRow normRow(const NormCase &c) {
  std::string generator = c.centred ? "layer_norm" : "rms_norm";
  KernelRow row;
  row.name = fmt::format("{}_n{}", generator, c.n);
  KernelParams params = {{"n", c.n}, {"eps", 1e-5}, {"rows_dim", int64_t(Tokens)}};
  if (c.groups > 1) {
    params["groups"] = c.groups;
    row.name += fmt::format("_g{}", c.groups);
  }
  if (c.gains)
    params["gains"] = c.gains;
  if (c.gains != c.n)
    row.name += fmt::format("_gains{}", c.gains);
  if (c.bias)
    params["bias"] = true;
  if (c.residual) {
    params["residual"] = true;
    row.name += "_residual";
  }
  row.stages = {{"", generator, params}};
  // A mean near the values themselves leaves few digits of what is taken off.
  row.tolerance = c.centred ? 1e-5 : 1e-6;
  row.sizes = {1, 2, 7};
  row.make = [=](int64_t rows) {
    reference::Tensor x = randomTensor(rows, c.n, 1, 30), residual = randomTensor(rows, c.n, 4);
    for (double &value : x.data)
      value = float(value + (c.centred ? 50 : 0));
    std::fill_n(x.row(rows - 1), c.n, 0.0); // the norm divides by sqrt(eps) alone
    Vector gain(randomValues(size_t(c.gains), 2)), bias(randomValues(size_t(c.gains), 3));
    reference::Tensor want =
        reference::norm(x, c.gains ? &gain : nullptr, c.bias ? &bias : nullptr, {c.centred, 1e-5, c.groups});
    if (c.residual)
      want = reference::add(want, residual);
    Problem problem(generator);
    problem.dims[Tokens] = rows;
    problem.give({{"x", floats(x)}, {"out", Operand::output(size_t(rows * c.n * 4))}});
    if (c.gains)
      problem.operand("gain") = Operand::of(gain.values);
    if (c.bias)
      problem.operand("bias") = Operand::of(bias.values);
    if (c.residual)
      problem.operand("residual") = floats(residual);
    Expectation out{problem.indexOf("out"), ElementType::F32, want.data, {}};
    if (c.centred || c.residual)
      out.magnitude.assign(want.data.size(), 1.0);
    problem.expected = {out};
    return problem;
  };
  return row;
}

KernelRow positionScaleRow(int64_t n) {
  KernelRow row;
  row.name = fmt::format("position_scale_n{}", n);
  row.stages = {{"", "position_scale", {{"n", n}, {"beta", 0.25}, {"length", int64_t(8)}}}};
  row.tolerance = 1e-6;
  row.sizes = {1, 2, 7};
  row.make = [=](int64_t rows) {
    reference::Tensor x = randomTensor(rows, n, 1);
    reference::IntTensor positions;
    for (int64_t t = 0; t < rows; ++t)
      positions.push_back(int32_t(7 + 5 * t));
    Problem problem("position_scale");
    problem.dims[Tokens] = rows;
    problem.give(
        {{"x", floats(x)}, {"positions", Operand::of(positions)}, {"out", Operand::output(size_t(rows * n * 4))}});
    problem.expected = {
        {problem.indexOf("out"), ElementType::F32, reference::positionScale(x, positions, 0.25, 8).data, {}}};
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
  rows.push_back(normRow({64, false, 1, 64}));
  rows.push_back(normRow({101, false, 1, 101}));
  rows.push_back(selectRow(64));
  rows.push_back(selectRow(37));
  rows.push_back(sliceRow(96, 32, 32));
  rows.push_back(sliceRow(37, 11, 13));
  return rows;
}

std::vector<KernelRow> familyRowwiseRows() {
  std::vector<KernelRow> rows = {
      normRow({96, false, 4, 24}),                // heads that share a gain
      normRow({96, false, 4, 96, false, true}),   // each with its own
      normRow({101, false, 1, 101, false, true}), // a norm after a block
      normRow({60, false, 3}),                    // no gain
      normRow({101, true, 1, 101, true}),         // layer_norm
      normRow({64, true, 1, 64}),                 // without bias
      normRow({60, true, 3, 20, true, true}),     // all of it
      positionScaleRow(37),
  };
  for (const char *op : {"relu2", "scale"})
    rows.push_back(pointwiseRow(op, 37, 1e-6));
  for (const char *op : {"sigmoid", "softcap"})
    rows.push_back(pointwiseRow(op, 100, 1e-6));
  return rows;
}

} // namespace quipu::conformance
