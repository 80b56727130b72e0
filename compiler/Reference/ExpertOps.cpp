#include "compiler/Reference/Ops.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace quipu::reference {
namespace {

std::vector<double> scoresOf(const double *logits, int64_t experts, bool sigmoid) {
  std::vector<double> scores(logits, logits + experts);
  if (sigmoid) {
    for (double &score : scores)
      score = activate(Activation::Sigmoid, score);
    return scores;
  }
  double largest = *std::max_element(scores.begin(), scores.end()), sum = 0;
  for (double &score : scores)
    sum += score = std::exp(score - largest);
  for (double &score : scores)
    score /= sum;
  return scores;
}

// Numbers of the `count` largest, largest first, of equals the lower number.
std::vector<int32_t> largestOf(const std::vector<double> &values, int64_t count) {
  std::vector<int32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return values[a] != values[b] ? values[a] > values[b] : a < b; });
  order.resize(count);
  return order;
}

// Leaves out the experts of all groups but those that are kept.
void keepGroups(std::vector<double> &forChoice, const RouteShape &shape) {
  int64_t size = int64_t(forChoice.size()) / shape.groups;
  std::vector<double> sums;
  for (int64_t group = 0; group < shape.groups; ++group) {
    std::vector<double> own(forChoice.begin() + group * size, forChoice.begin() + (group + 1) * size);
    std::sort(own.begin(), own.end(), std::greater<>());
    sums.push_back(own[0] + own[1]);
  }
  std::vector<int32_t> kept = largestOf(sums, shape.keptGroups);
  for (int64_t group = 0; group < shape.groups; ++group)
    if (std::find(kept.begin(), kept.end(), group) == kept.end())
      std::fill_n(forChoice.begin() + group * size, size, -std::numeric_limits<double>::infinity());
}

} // namespace

Routing route(const Tensor &logits, const Weight *bias, const RouteShape &shape) {
  std::vector<double> added(logits.cols, 0.0);
  if (bias)
    bias->readRow(0, added.data());
  Routing routing;
  for (int64_t t = 0; t < logits.rows; ++t) {
    std::vector<double> scores = scoresOf(logits.row(t), logits.cols, shape.sigmoid), forChoice = scores;
    for (int64_t e = 0; e < logits.cols; ++e)
      forChoice[e] += added[e];
    if (shape.groups > 1)
      keepGroups(forChoice, shape);
    std::vector<int32_t> chosen = largestOf(forChoice, shape.chosen);
    routing.ids.insert(routing.ids.end(), chosen.begin(), chosen.end());
  }
  routing.weights = routeWeights(logits, routing.ids, shape);
  return routing;
}

Tensor routeWeights(const Tensor &logits, const IntTensor &ids, const RouteShape &shape) {
  Tensor weights(logits.rows, shape.chosen);
  for (int64_t t = 0; t < logits.rows; ++t) {
    std::vector<double> scores = scoresOf(logits.row(t), logits.cols, shape.sigmoid);
    double sum = 0;
    for (int64_t s = 0; s < shape.chosen; ++s)
      sum += weights.row(t)[s] = scores[ids[t * shape.chosen + s]];
    for (int64_t s = 0; s < shape.chosen; ++s)
      weights.row(t)[s] *= shape.scale / (shape.normalize ? sum : 1);
  }
  return weights;
}

Tensor expertMatmul(const Tensor &x, const Weight &w, int64_t rows, const IntTensor &ids, int64_t chosen) {
  Tensor out(x.rows, chosen * rows);
  std::vector<double> row(w.cols());
  for (int64_t i = 0; i < w.rows(); ++i) {
    int64_t expert = i / rows;
    if (std::find(ids.begin(), ids.end(), expert) == ids.end())
      continue;
    w.readRow(i, row.data());
    for (int64_t pair = 0; pair < x.rows * chosen; ++pair) {
      if (ids[pair] != expert)
        continue;
      int64_t t = pair / chosen, s = pair % chosen;
      const double *part = x.row(t) + (x.cols == w.cols() ? 0 : s * w.cols());
      out.row(t)[s * rows + i % rows] = std::inner_product(row.begin(), row.end(), part, 0.0);
    }
  }
  return out;
}

Tensor combine(const Tensor &products, const Tensor &weights) {
  Tensor out(products.rows, products.cols / weights.cols);
  for (int64_t t = 0; t < products.rows; ++t)
    for (int64_t s = 0; s < weights.cols; ++s)
      for (int64_t n = 0; n < out.cols; ++n)
        out.row(t)[n] += weights.row(t)[s] * products.row(t)[s * out.cols + n];
  return out;
}

} // namespace quipu::reference
