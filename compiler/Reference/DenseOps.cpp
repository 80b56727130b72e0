#include "compiler/Reference/Ops.h"
#include <algorithm>
#include <cmath>

namespace quipu::reference {

double activate(Activation kind, double x) {
  switch (kind) {
  case Activation::Silu:
    return x / (1.0 + std::exp(-x));
  case Activation::GeluTanh:
    return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
  case Activation::GeluErf:
    return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
  case Activation::Relu:
    return std::max(x, 0.0);
  case Activation::Relu2:
    return std::max(x, 0.0) * std::max(x, 0.0);
  case Activation::Sigmoid:
    return 1.0 / (1.0 + std::exp(-x));
  }
  return x;
}

Tensor embedding(const IntTensor &ids, const Weight &table) {
  Tensor out(ids.size(), table.cols());
  for (int64_t t = 0; t < out.rows; ++t)
    table.readRow(ids[t], out.row(t));
  return out;
}

// One group of a row, in place.
static void normalise(double *x, int64_t size, const NormShape &shape) {
  double mean = 0, squares = 0;
  for (int64_t i = 0; shape.centred && i < size; ++i)
    mean += x[i] / size;
  for (int64_t i = 0; i < size; ++i)
    squares += (x[i] - mean) * (x[i] - mean);
  double inverse = 1.0 / std::sqrt(squares / size + shape.eps);
  for (int64_t i = 0; i < size; ++i)
    x[i] = (x[i] - mean) * inverse;
}

Tensor norm(const Tensor &x, const Weight *gain, const Weight *bias, const NormShape &shape) {
  auto rowOf = [](const Weight *vector) {
    std::vector<double> values(vector ? vector->cols() : 0);
    if (vector)
      vector->readRow(0, values.data());
    return values;
  };
  std::vector<double> g = rowOf(gain), b = rowOf(bias);
  Tensor out = x;
  int64_t size = x.cols / shape.groups;
  for (int64_t t = 0; t < x.rows; ++t) {
    for (int64_t group = 0; group < shape.groups; ++group)
      normalise(out.row(t) + group * size, size, shape);
    for (int64_t i = 0; i < x.cols; ++i) {
      double &value = out.row(t)[i];
      value = (gain ? value * g[i % g.size()] : value) + (bias ? b[i % b.size()] : 0);
    }
  }
  return out;
}

Tensor matmul(const Tensor &x, const Weight &w) {
  Tensor out(x.rows, w.rows());
  std::vector<double> row(w.cols());
  for (int64_t n = 0; n < w.rows(); ++n) {
    w.readRow(n, row.data());
    for (int64_t t = 0; t < x.rows; ++t) {
      double sum = 0;
      for (int64_t k = 0; k < x.cols; ++k)
        sum += x.row(t)[k] * row[k];
      out.row(t)[n] = sum;
    }
  }
  return out;
}

Tensor addBias(Tensor x, const Weight &bias) {
  std::vector<double> b(x.cols);
  bias.readRow(0, b.data());
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t i = 0; i < x.cols; ++i)
      x.row(t)[i] += b[i];
  return x;
}

Tensor activation(Activation kind, Tensor x) {
  for (double &value : x.data)
    value = activate(kind, value);
  return x;
}

Tensor gate(Activation kind, const Tensor &x) {
  Tensor out(x.rows, x.cols / 2);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t i = 0; i < out.cols; ++i)
      out.row(t)[i] = activate(kind, x.row(t)[i]) * x.row(t)[out.cols + i];
  return out;
}

Tensor scale(Tensor x, double factor) {
  for (double &value : x.data)
    value *= factor;
  return x;
}

Tensor softcap(Tensor x, double cap) {
  for (double &value : x.data)
    value = cap * std::tanh(value / cap);
  return x;
}

Tensor add(Tensor a, const Tensor &b) {
  for (size_t i = 0; i < a.data.size(); ++i)
    a.data[i] += b.data[i];
  return a;
}

Tensor multiply(Tensor a, const Tensor &b) {
  for (size_t i = 0; i < a.data.size(); ++i)
    a.data[i] *= b.data[i];
  return a;
}

Tensor sliceColumns(const Tensor &x, int64_t offset, int64_t size) {
  Tensor out(x.rows, size);
  for (int64_t t = 0; t < x.rows; ++t)
    std::copy_n(x.row(t) + offset, size, out.row(t));
  return out;
}

Tensor selectRows(const Tensor &x, const IntTensor &rows) {
  Tensor out(rows.size(), x.cols);
  for (int64_t r = 0; r < out.rows; ++r)
    std::copy_n(x.row(rows[r]), x.cols, out.row(r));
  return out;
}

} // namespace quipu::reference
