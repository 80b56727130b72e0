#include "test/Conformance/Cpu/KernelTable.h"

#include "compiler/Codegen/Cpu/MatmulSchedule.h"
#include "test/Conformance/Cpu/PreparedRow.h"
#include "test/Conformance/MatmulRow.h"

#include <cmath>
#include <map>
#include <memory>

namespace quipu::cpu::conformance {
namespace {

struct Case {
  std::string name;
  int64_t n, k;
  std::string storage;
  int64_t tile;
  bool packedInput = false;
  bool gated = false, bias = false, residual = false, norm = false;
  std::string activation = {};
  double inputScale = 1;
  std::vector<int64_t> rows = {};
  int64_t parts = 1;
  bool largest = false; // weights and inputs at the ends of their range
  bool uneven = false;  // runs of the input from 1 down to 2^-11 as large
  bool centred = false, shift = false;
  double scale = 1, softcap = 0;

  MatmulForm form() const {
    return {n, k, packedInput, gated, bias, residual, norm, activation, centred, shift, scale, softcap};
  }
};

std::vector<KernelSpec> stages(const Case &c) {
  KernelParams pack = {
      {"k", c.k}, {"storage", c.storage}, {"rows_dim", int64_t(0)}, {"tile", c.tile}, {"parts", c.parts}};
  return matmulStages(c.form(), pack, pack);
}

PreparedRow preparedRow(const Case &c, const Chip &chip, const MatmulValues &values, int64_t t) {
  return prepare(normedRow(c.form(), values, t), PackedInput(c.k, format(c.storage), chip, c.parts));
}

// With a norm, the input may round the other way: 2^-8 of one bf16 term, 1/127 of the largest in a run of int8.
double tolerance(const Case &c) {
  if (!c.norm || c.storage == "f32" || c.storage == "f16")
    return 2e-6;
  return c.storage == "bf16" ? 3e-4 : c.parts == 2 ? 2e-5 : 2e-3;
}

Problem makeProblem(const Case &c, const Chip &chip, int64_t rows) {
  MatmulForm form = c.form();
  MatmulValues values = matmulValues(form, rows, c.inputScale, c.largest);
  for (size_t i = 0; i < values.x.size() && c.uneven; ++i)
    values.x[i] = std::ldexp(values.x[i], -int(i % size_t(c.k) / size_t(runColumns) * 5 % 12));
  StoredWeight weight = randomWeight(PanelLayout(c.n, c.k, format(c.storage), c.gated), 4, c.largest);
  values.w = weight.values;
  PackedInput packed(c.k, format(c.storage), chip, c.parts);
  int64_t paddedRows = (rows + c.tile - 1) / c.tile * c.tile;
  Problem problem("matmul");
  problem.dims[Tokens] = rows;
  problem.give(
      {{"x", Operand::of(values.x)}, {"weight", weight.panels}, {"out", Operand::output(size_t(rows * c.n * 4))}});
  giveOptional(problem, form, values);
  if (c.packedInput)
    problem.operand("packed") = Operand::output(size_t(paddedRows * packed.rowBytes()));
  Expectation out{problem.indexOf("out"), ElementType::F32, {}, {}}, unrounded = out;
  for (int64_t t = 0; t < rows; ++t) {
    PreparedRow prepared = preparedRow(c, chip, values, t);
    for (int64_t n = 0; n < c.n; ++n) {
      Sum sum = matmulElement(form, values, prepared.used, t, n);
      double ofMinima = packed.blocks ? dot(prepared.minimumError, &values.w[size_t(n * c.k)], 0).magnitude : 0;
      sum.magnitude += ofMinima / tolerance(c);
      out.value.push_back(sum.value);
      out.magnitude.push_back(sum.magnitude);
      if (packed.blocks && !c.gated && c.activation.empty()) {
        double most = dot(prepared.mostError, &values.w[size_t(n * c.k)], 0).magnitude;
        unrounded.value.push_back(matmulElement(form, values, prepared.exact, t, n).value);
        unrounded.magnitude.push_back(sum.magnitude + most / tolerance(c));
      }
    }
  }
  problem.expected = {out};
  if (!unrounded.value.empty())
    problem.expected.push_back(unrounded);
  return problem;
}

KernelRow matmulRow(const Case &c, const Chip &chip) {
  KernelRow row;
  row.name =
      fmt::format("matmul_{}_{}_n{}_k{}_tile{}{}", c.name, c.storage, c.n, c.k, c.tile, c.packedInput ? "_packed" : "");
  row.stages = stages(c);
  row.tolerance = tolerance(c);
  row.sizes = c.rows;
  row.make = [c, chip](int64_t rows) { return makeProblem(c, chip, rows); };
  return row;
}

// GGUF's own types in every tile and form, integers per group in a few.
void addBlockCases(std::vector<Case> &cases, const StorageFormat &format) {
  std::string storage(format.name);
  int64_t block = format.blockElements;
  bool group = storage[1] == '4' || storage[1] == '8' ? storage[0] == 'i' : false;
  for (int64_t tile : {1, 2, 4, 5, 6, 7, 8})
    if (!group || tile == 1)
      cases.push_back({"plain", 100, 3 * block, storage, tile});
  cases.push_back({"plain", 70, 3 * block, storage, 6, true});
  if (group)
    return;
  for (auto [tile, packedInput] : {std::pair(1, false), std::pair(4, false), std::pair(3, true)}) {
    Case fine{"two_parts", 100, 2 * block, storage, tile, packedInput};
    fine.bias = fine.norm = fine.gated = true;
    fine.parts = 2;
    cases.push_back(fine);
  }
  cases.push_back({"plain", 192, 2 * block, storage, 4, true});
  Case all{"all", 100, 2 * block, storage, 1};
  all.bias = all.residual = all.norm = true;
  cases.push_back(all);
  all.activation = "silu";
  all.gated = true;
  all.name = "gated";
  cases.push_back(all);
  all.tile = 6;
  all.packedInput = true;
  cases.push_back(all);
  // Sums of 16 bits, on chips that have no dot product of bytes, come near their end.
  Case largest{"largest", 64, 2 * block, storage, 4};
  largest.largest = true;
  cases.push_back(largest);
  for (int64_t tile : {1, 8}) {
    Case uneven{"uneven", 64, 16 * block, storage, tile};
    uneven.uneven = true;
    cases.push_back(uneven);
    uneven.name = "uneven_two_parts";
    uneven.tile = (tile + 1) / 2;
    uneven.parts = 2;
    cases.push_back(uneven);
  }
  Case large{"large_input", 64, block, storage, 2};
  large.inputScale = 1e9;
  cases.push_back(large);
  Case small{"small_input", 64, block, storage, 2};
  small.inputScale = 1e-38;
  cases.push_back(small);
  // More of k than stays in any chip's L2, for several chunks of row tiles.
  Case deep{"deep", 70, 9472, storage, 6, true};
  deep.rows = {13, 64, 700};
  cases.push_back(deep);
}

} // namespace

// With a cache so small that k is cut into blocks. A row of the input takes as many parts.
static void addTuningRows(std::vector<KernelRow> &rows, Chip chip, const std::string &storage, int64_t parts) {
  int64_t mostRows = packedTile(format(storage), chip) / parts;
  Case c{"tuned", 70, 512, storage, mostRows, /*packedInput=*/true};
  c.gated = c.bias = c.residual = c.norm = true;
  c.activation = "silu";
  c.parts = parts;
  MatmulShape shape;
  shape.n = c.n;
  shape.k = c.k;
  shape.storage = storage;
  shape.activation = c.activation;
  shape.gated = shape.bias = shape.residual = true;
  shape.norm = NormShape{normEps};
  chip.l2Bytes = PanelLayout(c.n, c.k, format(storage), c.gated).panelBytes();
  // All candidates for so many rows get one problem, with room for packed rows as the plan has it.
  auto problem = [c, chip, made = std::make_shared<std::map<int64_t, Problem>>()](int64_t size) {
    auto [entry, isNew] = made->try_emplace(size);
    if (isNew) {
      entry->second = makeProblem(c, chip, size);
      int64_t rowBytes = PackedInput(c.k, format(c.storage), chip, c.parts).rowBytes();
      entry->second.operand("packed") = Operand::output(size_t((size + c.tile - 1) * rowBytes));
    }
    return entry->second;
  };
  std::vector<std::pair<int64_t, KernelStages>> variants = {{50, packedMatmul(shape, mostRows, parts)}};
  for (int64_t tile : {1, 2, 4, 6, 8})
    if (tile * parts <= 8)
      variants.emplace_back(tile, tiledMatmul(shape, tile, parts));
  for (auto &[most, stages] : variants) {
    std::vector<KernelStages> candidates = matmulAlternatives(stages, most, chip);
    candidates.insert(candidates.begin(), stages);
    for (KernelStages &candidate : candidates) {
      rows.push_back(matmulRow(c, chip));
      rows.back().name = fmt::format("r{}_p{}_{}", most, parts, candidate.back().symbol);
      rows.back().stages = std::move(candidate);
      rows.back().sizes = {1, most};
      rows.back().make = problem;
    }
  }
}

std::vector<KernelRow> tuningRows(const Chip &chip, const std::string &storage) {
  std::vector<KernelRow> rows;
  for (int64_t parts = 1; parts <= (format(storage).isBlocked() ? 2 : 1); ++parts)
    addTuningRows(rows, chip, storage, parts);
  return rows;
}

std::vector<KernelRow> matmulRows(const Chip &chip) {
  std::vector<Case> cases;
  for (const char *storage : {"f32", "f16", "bf16"}) {
    for (int64_t tile : {1, 2, 4, 6, 8}) {
      cases.push_back({"plain", 64, 64, storage, tile});
      cases.push_back({"ragged", 100, 37, storage, tile});
    }
    cases.push_back({"plain", 192, 96, storage, 6, true});
    cases.push_back({"plain", 192, 96, storage, 4, true});
    cases.push_back({"ragged", 70, 37, storage, 6, true});
    cases.push_back({"one", 1, 1, storage, 1});
    Case all{"all", 100, 300, storage, 1};
    all.bias = all.residual = all.norm = true;
    all.activation = "silu";
    cases.push_back(all);
    all.gated = true;
    all.name = "gated";
    cases.push_back(all);
    all.tile = 6;
    all.packedInput = true;
    cases.push_back(all);
    // layer_norm, with a bias and without, and what bounds the result.
    Case families{"families", 100, 300, storage, 2};
    families.norm = families.centred = families.shift = families.residual = true;
    families.scale = 0.25;
    families.softcap = 3;
    cases.push_back(families);
    families.shift = false;
    families.tile = 6;
    families.packedInput = true;
    cases.push_back(families);
    for (const char *activation : {"silu", "gelu_tanh", "gelu_erf", "relu"}) {
      Case extreme{std::string("extreme_") + activation, 64, 64, storage, 2};
      extreme.activation = activation;
      extreme.gated = true;
      extreme.inputScale = 300;
      cases.push_back(extreme);
    }
    // More of k than stays in any chip's L2, for several chunks of row tiles.
    cases.push_back({"deep", 70, 4100, storage, 6, true});
  }
  for (const StorageFormat &format : storageFormats)
    if (format.isBlocked())
      addBlockCases(cases, format);
  std::vector<KernelRow> rows;
  for (Case &c : cases) {
    if (c.rows.empty())
      c.rows = c.packedInput ? std::vector<int64_t>{1, 6, 7, 13, 50} : std::vector<int64_t>{1, 2, 3, 9};
    if (c.name == "deep")
      c.rows = {13, 700};
    rows.push_back(matmulRow(c, chip));
  }
  return rows;
}

} // namespace quipu::cpu::conformance
