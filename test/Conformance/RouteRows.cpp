// route against compiler/Reference.
#include "compiler/Codegen/ExpertShape.h"
#include "compiler/Reference/Ops.h"
#include "test/Conformance/SharedRows.h"

#include <algorithm>

namespace quipu::conformance {
namespace {

class Vector : public reference::Weight {
public:
  explicit Vector(const std::vector<float> &values) : values(values) {}
  int64_t rows() const override { return 1; }
  int64_t cols() const override { return int64_t(values.size()); }
  void readRow(int64_t, double *out) const override { std::copy(values.begin(), values.end(), out); }

private:
  const std::vector<float> &values;
};

// Logits of ordinary size; a row of equal ones; one whose largest is far above the rest.
std::vector<float> logitsFor(int64_t tokens, int64_t experts) {
  std::vector<float> logits = randomValues(size_t(tokens * experts), 1);
  for (float &logit : logits)
    logit *= 4;
  if (tokens > 1)
    std::fill_n(logits.begin() + experts, experts, 0.5f);
  if (tokens > 2)
    logits[size_t(2 * experts + experts / 2)] = 40;
  return logits;
}

Problem makeProblem(const RouteShape &shape, int64_t tokens) {
  std::vector<float> values = logitsFor(tokens, shape.experts), bias = randomValues(size_t(shape.experts), 2);
  reference::Tensor logits(tokens, shape.experts);
  logits.data.assign(values.begin(), values.end());
  reference::RouteShape asked{shape.score == "sigmoid", shape.chosen, shape.normalize,
                              shape.scale.value_or(1),  shape.groups, shape.keptGroups};
  Vector added(bias);
  reference::Routing routing = reference::route(logits, shape.bias ? &added : nullptr, asked);
  Problem problem("route");
  problem.dims[Tokens] = tokens;
  auto bytes = size_t(tokens * shape.chosen * 4);
  problem.give({{"logits", Operand::of(values)}, {"ids", Operand::output(bytes)}, {"weights", Operand::output(bytes)}});
  if (shape.bias)
    problem.operand("bias") = Operand::of(bias);
  std::vector<double> ids(routing.ids.begin(), routing.ids.end());
  problem.expected = {{problem.indexOf("ids"), ElementType::I32, ids, {}},
                      {problem.indexOf("weights"), ElementType::F32, routing.weights.data, {}}};
  return problem;
}

} // namespace

std::vector<KernelRow> routeRows() {
  std::vector<RouteShape> shapes = {
      {128, 8, "softmax", true, false, {}, 1, 1},   {8, 2, "softmax", false, false, {}, 1, 1},
      {60, 4, "softmax", false, false, 2.5, 1, 1},  {1, 1, "sigmoid", false, false, {}, 1, 1},
      {160, 8, "sigmoid", true, true, 1.5, 1, 1},   {24, 5, "sigmoid", true, true, 2.5, 6, 3},
      {256, 8, "softmax", true, false, 16.0, 8, 4}, {5, 5, "softmax", true, false, {}, 1, 1}};
  std::vector<KernelRow> rows;
  for (const RouteShape &shape : shapes) {
    KernelRow row;
    row.stages = {shape.spec()};
    row.name = row.stages[0].symbol + (shape.groups > 1 ? fmt::format("_groups{}", shape.groups) : "");
    row.tolerance = 2e-6;
    row.sizes = {1, 3, 9};
    row.make = [=](int64_t tokens) { return makeProblem(shape, tokens); };
    rows.push_back(std::move(row));
  }
  return rows;
}

} // namespace quipu::conformance
