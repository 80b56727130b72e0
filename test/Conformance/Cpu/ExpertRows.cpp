// The three stages of experts' matmuls, as the target has them.
#include "compiler/Codegen/Cpu/CpuKernelChoice.h"
#include "test/Conformance/Cpu/KernelTable.h"
#include "test/Conformance/Cpu/PreparedRow.h"
#include "test/Conformance/MatmulRow.h"

#include <cmath>

namespace quipu::cpu::conformance {
namespace {

// What a chosen expert counts, and the experts of each token.
struct Routed {
  std::vector<int32_t> ids;
  std::vector<float> weights;
};

// Distinct for each token. `alike`: all tokens go to the last ones.
Routed routed(const ExpertShape &shape, int64_t tokens, bool alike) {
  Routed result;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t s = 0; s < shape.chosen; ++s) {
      int64_t id = alike ? shape.experts - 1 - s : (t * t * 7 + s * (1 + t % 2)) % shape.experts;
      result.ids.push_back(int32_t(id));
    }
  result.weights = randomValues(result.ids.size(), 11);
  return result;
}

// The matrix of each expert, and all of them as panels.
struct Stack {
  std::vector<MatmulValues> experts;
  Operand panels;
};

Stack randomStack(const ExpertShape &shape) {
  Stack stack;
  for (int64_t e = 0; e < shape.experts; ++e) {
    StoredWeight weight =
        randomWeight(PanelLayout(shape.n, shape.k, format(shape.storage), shape.gated), uint32_t(20 + e));
    stack.experts.emplace_back().w = std::move(weight.values);
    stack.panels.bytes.insert(stack.panels.bytes.end(), weight.panels.bytes.begin(), weight.panels.bytes.end());
  }
  return stack;
}

MatmulForm formOf(const ExpertShape &shape) {
  return {shape.n,        shape.k,         /*packedInput=*/true, shape.gated, /*bias=*/false, /*residual=*/false,
          /*norm=*/false, shape.activation};
}

constexpr double tolerance = 4e-6;
constexpr int64_t crowded = 1000; // sizes are tokens, plus this where all go to the same experts

Problem makeProblem(const ExpertShape &shape, const PackedInput &packed, int64_t tokens, bool alike) {
  Routed route = routed(shape, tokens, alike);
  Stack stack = randomStack(shape);
  int64_t pairs = tokens * shape.chosen, perToken = shape.readsParts ? shape.chosen : 1;
  std::vector<float> x = randomValues(size_t(tokens * perToken * shape.k), 2);
  std::vector<float> residual = randomValues(size_t(tokens * shape.n), 3);
  int64_t outColumns = shape.combine ? shape.n : shape.chosen * shape.n;
  Problem problem("expert_matmul");
  problem.dims[Tokens] = tokens;
  problem.give({{"x", Operand::of(x)},
                {"weight", stack.panels},
                {"ids", Operand::of(route.ids)},
                {"groups", Operand::output(size_t(roundUp(2 * shape.experts + 2, 16) + pairs) * 4)},
                {"packed", Operand::output(size_t(pairs * packed.rowBytes()))},
                {"out", Operand::output(size_t(tokens * outColumns * 4))}});
  if (shape.combine)
    problem.operand("combine") = Operand::of(route.weights);
  if (shape.residual)
    problem.operand("residual") = Operand::of(residual);

  Expectation out{problem.indexOf("out"), ElementType::F32, {}, {}};
  out.value.resize(size_t(tokens * outColumns));
  out.magnitude.resize(out.value.size());
  for (size_t i = 0; shape.residual && i < out.value.size(); ++i)
    out.value[i] = residual[i];
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const float *row = &x[size_t((shape.readsParts ? pair : pair / shape.chosen) * shape.k)];
    PreparedRow prepared = prepare(std::vector<double>(row, row + shape.k), packed);
    const MatmulValues &expert = stack.experts[size_t(route.ids[size_t(pair)])];
    double weight = shape.combine ? route.weights[size_t(pair)] : 1;
    for (int64_t n = 0; n < shape.n; ++n) {
      Sum sum = matmulElement(formOf(shape), expert, prepared.used, 0, n);
      if (packed.blocks)
        sum.magnitude += dot(prepared.minimumError, &expert.w[size_t(n * shape.k)], 0).magnitude / tolerance;
      auto at = size_t(shape.combine ? pair / shape.chosen * shape.n + n : pair * shape.n + n);
      out.value[at] += weight * sum.value;
      out.magnitude[at] += std::abs(weight) * sum.magnitude;
    }
  }
  problem.expected = {out};
  return problem;
}

// Both variants: that of one token, and that of any number.
void addRows(std::vector<KernelRow> &rows, const ExpertShape &shape, const Chip &chip) {
  MatmulKernels kernels = *CpuKernelChoice(chip).experts(shape);
  for (VariantChoice &variant : kernels.variants) {
    const KernelParams &params = variant.stages.back().params;
    auto parts = params.find("parts");
    PackedInput packed(shape.k, format(shape.storage), chip,
                       parts == params.end() ? 1 : std::get<int64_t>(parts->second));
    KernelRow row;
    row.name = fmt::format("experts_{}_{}", shape.symbolStem(), variant.maxValue == 1 ? "one" : "any");
    row.stages = std::move(variant.stages);
    row.tolerance = tolerance;
    row.sizes = {1};
    if (variant.maxValue == VariantChoice::any)
      row.sizes = {1, 2, 5, 33, crowded + 20};
    row.make = [=](int64_t size) { return makeProblem(shape, packed, size % crowded, size >= crowded); };
    rows.push_back(std::move(row));
  }
}

} // namespace

std::vector<KernelRow> expertRows(const Chip &chip) {
  std::vector<KernelRow> rows;
  for (const char *storage : {"f32", "f16", "bf16", "q8_0", "q4_0", "q4_k", "q6_k", "q5_1"}) {
    int64_t block = format(storage).blockElements;
    ExpertShape up;
    up.experts = 7;
    up.chosen = 3;
    up.n = 70;
    up.k = std::max<int64_t>(block, 37 / block * block);
    up.storage = storage;
    up.activation = "silu";
    up.gated = true;
    addRows(rows, up, chip);
    ExpertShape down = up;
    down.activation.clear();
    down.gated = false;
    down.n = 100;
    down.readsParts = down.combine = down.residual = true;
    addRows(rows, down, chip);
    // Neither combined nor gated, and rows that all experts share.
    ExpertShape plain = down;
    plain.combine = plain.residual = plain.readsParts = false;
    plain.experts = plain.chosen = 1;
    addRows(rows, plain, chip);
  }
  // Weights in blocks so many that the input is of one part.
  ExpertShape large;
  large.experts = 4;
  large.chosen = 2;
  large.n = 520;
  large.k = 1024;
  large.storage = "q4_0";
  large.combine = true;
  addRows(rows, large, chip);
  return rows;
}

} // namespace quipu::cpu::conformance
