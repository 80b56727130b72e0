// matmul and pack_input on GPUs: every epilogue, ragged sizes, f32, bf16 and f16, few and many tokens.
#include "compiler/Codegen/Gpu/WeightLayout.h"
#include "test/Conformance/Gpu/KernelTable.h"
#include "test/Conformance/MatmulRow.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>

namespace quipu::gpu::conformance {
namespace {

struct Case {
  std::string name;
  int64_t n, k;
  ElementType storage;
  int64_t tile;
  bool packedInput = false;
  bool gated = false, bias = false, residual = false, norm = false;
  std::string activation = {};
  double inputScale = 1;
  std::vector<int64_t> rows = {};
  int64_t rowsDim = Tokens;
  int64_t columns = 0; // of a block, for the matmul of warpgroups
  int64_t splits = 1;  // blocks that share a tile of results

  MatmulForm form() const { return {n, k, packedInput, gated, bias, residual, norm, activation}; }
};

std::vector<KernelSpec> stages(const Case &c) {
  KernelParams pack = {{"k", c.k}, {"storage", name(c.storage)}, {"rows_dim", c.rowsDim}, {"tile", tileRows}};
  KernelParams matmul = pack;
  matmul["tile"] = c.tile;
  if (c.columns)
    matmul["columns"] = c.columns;
  if (c.splits > 1) {
    matmul["splits"] = c.splits;
    matmul["tokens"] = *std::max_element(c.rows.begin(), c.rows.end());
  }
  return matmulStages(c.form(), pack, matmul);
}

// Row t of x as the kernel multiplies it: packed input is rounded to the storage of W.
std::vector<double> preparedRow(const Case &c, const MatmulValues &values, int64_t t) {
  std::vector<double> exact = normedRow(c.form(), values, t);
  std::vector<float> row(exact.begin(), exact.end());
  if (c.packedInput)
    row = rounded(row, c.storage);
  return {row.begin(), row.end()};
}

Problem makeProblem(const Case &c, int64_t rows) {
  MatmulForm form = c.form();
  MatmulValues values = matmulValues(form, rows, c.inputScale);
  values.w = rounded(randomValues(size_t((c.gated ? 2 : 1) * c.n * c.k), 4), c.storage);
  TileLayout packed{rows, c.k, int64_t(bytesOf(c.storage))};
  Problem problem("matmul");
  problem.dims[size_t(c.rowsDim)] = rows;
  problem.give({{"x", Operand::of(values.x)},
                {"weight", asTiles(values.w, c.n, c.k, c.storage, c.gated)},
                {"out", Operand::output(size_t(rows * c.n * 4))}});
  giveOptional(problem, form, values);
  if (c.packedInput)
    problem.operand("packed") = Operand::output(size_t(packed.bytes()));
  Expectation out{problem.indexOf("out"), ElementType::F32, {}, {}};
  for (int64_t t = 0; t < rows; ++t) {
    std::vector<double> row = preparedRow(c, values, t);
    for (int64_t n = 0; n < c.n; ++n) {
      Sum sum = matmulElement(form, values, row, t, n);
      out.value.push_back(sum.value);
      out.magnitude.push_back(sum.magnitude);
    }
  }
  problem.expected = {out};
  return problem;
}

// Of the sum of magnitudes. Packed input is expected as rounded, but after a norm some values round the other way.
// Unpacked input is f32 or two numbers of the storage's type (device/matmul/few_matrix.h); with many tokens a chip may
// round it to one, by half a unit in the last place. AMD's matrix instructions may take an f16 below 2^-14 for zero
// (those of gfx90a do).
double tolerance(const Case &c, const Chip &chip) {
  double half = c.storage == ElementType::BF16 ? 0x1p-9 : c.storage == ElementType::F16 ? 0x1p-12 : 0;
  if (c.packedInput)
    return 2e-6 + (c.norm ? half / 4 : 0) + (chip.vendor == Vendor::Amd && c.storage == ElementType::F16 ? 2e-6 : 0);
  return c.tile > 4 ? 2e-6 + half : 2e-6 + half / 64;
}

KernelRow matmulRow(const Case &c, const Chip &chip) {
  KernelRow row;
  row.name = fmt::format("matmul_{}_{}_n{}_k{}_tile{}{}", c.name, name(c.storage), c.n, c.k, c.tile,
                         c.packedInput ? "_packed" : "");
  if (c.columns)
    row.name += fmt::format("_x{}", c.columns);
  if (c.splits > 1)
    row.name += fmt::format("_split{}", c.splits);
  row.stages = stages(c);
  row.tolerance = tolerance(c, chip);
  row.sizes = c.rows;
  row.make = [c](int64_t rows) { return makeProblem(c, rows); };
  return row;
}

// What few and many tokens have in common.
void addForms(std::vector<Case> &cases, ElementType storage, int64_t tile, bool packedInput, int64_t columns = 0) {
  auto add = [&](Case c) {
    if (c.gated && columns == tileRows / 2)
      return; // of a gated weight a block takes whole panels
    c.tile = tile;
    c.packedInput = packedInput;
    c.columns = columns;
    cases.push_back(c);
  };
  add({"plain", 128, 192, storage, 1});
  add({"ragged", 101, 37, storage, 1});
  Case all{"all", 100, 300, storage, 1};
  all.bias = all.residual = all.norm = true;
  all.activation = "silu";
  add(all);
  all.name = "gated";
  all.gated = true;
  all.n = 75;
  add(all);
}

// Blocks that share tiles of results: parts of k that are equal and not, fewer tiles than a ring has slots, several
// tiles of tokens, every epilogue.
void addSharedForms(std::vector<Case> &cases, ElementType storage, int64_t tile, int64_t columns = 0) {
  auto add = [&](Case c, int64_t splits, std::vector<int64_t> rows) {
    c.packedInput = true;
    c.columns = columns;
    c.splits = splits;
    c.rows = std::move(rows);
    cases.push_back(c);
  };
  add({"shared", 200, 512, storage, tile}, 2, {1, 50});
  Case all{"shared_all", 75, 660, storage, tile};
  all.bias = all.residual = all.norm = true;
  all.gated = columns != tileRows / 2;
  all.activation = "silu";
  add(all, 3, {2 * tile + 5});
  add({"shared_each", 65, 250, storage, tile}, 4, {3});
}

// Every tile of the warpgroups' matmul, and what a ring and blocks that take several tiles can get wrong.
void addWarpgroupForms(std::vector<Case> &cases, ElementType storage) {
  for (int64_t tokens : {64, 128})
    for (int64_t columns : {32, 64, 128, 256})
      if (tokens == 64 || columns >= tileRows)
        addForms(cases, storage, tokens, true, columns);
  addSharedForms(cases, storage, 64, 32);
  addSharedForms(cases, storage, 64, 64);
  if (storage == ElementType::BF16)
    addSharedForms(cases, storage, 128, 256);
  auto add = [&](Case c, int64_t columns, int64_t rows) {
    c.packedInput = true;
    c.columns = columns;
    c.rows = {rows};
    cases.push_back(c);
  };
  Case half{"half_panel", 96, 64, storage, 64}; // the last panel's second half is padding alone
  half.residual = true;
  add(half, 32, 130);
  add({"deep", 70, 2100, storage, 64}, 64, 65);
  add({"deep", 300, 2100, storage, 128}, 256, 129);
  if (storage != ElementType::BF16)
    return;
  add({"wide", 10000, 200, storage, 64}, 32, 3);     // more tiles than blocks
  add({"wide", 18000, 200, storage, 128}, 256, 200); // the same with blocks of all registers
  add({"tall", 70, 64, storage, 64}, 64, 1100);      // more than one group of rows of tiles
}

} // namespace

std::vector<KernelRow> matmulRows(const Chip &chip) {
  std::vector<Case> cases;
  for (ElementType storage : {ElementType::F32, ElementType::BF16, ElementType::F16}) {
    for (int64_t tile : {1, 4, 8})
      addForms(cases, storage, tile, false);
    for (int64_t tile : {64, 128})
      addForms(cases, storage, tile, true);
    if (chip.matrix == Matrix::Wgmma && storage != ElementType::F32)
      addWarpgroupForms(cases, storage);
    addSharedForms(cases, storage, 64);
    if (storage == ElementType::BF16)
      addSharedForms(cases, storage, 128);
    cases.push_back({"one", 1, 1, storage, 1});
    // Slices of the staged input on chips with little shared memory.
    Case deep{"deep", 40, 5000, storage, 8};
    deep.norm = true;
    cases.push_back(deep);
    cases.push_back({"deep", 70, 2100, storage, 128, true});
    Case rows{"rows", 70, 130, storage, 4};
    rows.rowsDim = Rows;
    cases.push_back(rows);
    for (const char *activation : {"gelu_tanh", "gelu_erf", "relu"}) {
      Case extreme{std::string("extreme_") + activation, 64, 64, storage, 4};
      extreme.activation = activation;
      extreme.gated = true;
      extreme.inputScale = 300;
      cases.push_back(extreme);
    }
  }
  std::vector<KernelRow> rows;
  for (Case &c : cases) {
    if (!c.rows.empty()) {
      rows.push_back(matmulRow(c, chip));
      continue;
    }
    for (int64_t count : {int64_t(1), int64_t(3), c.tile, int64_t(50), int64_t(65), int64_t(200)})
      if (c.packedInput ? count <= 50 || c.tile == 128 : count <= c.tile)
        if (std::find(c.rows.begin(), c.rows.end(), count) == c.rows.end())
          c.rows.push_back(count);
    if (c.name == "deep")
      c.rows = {c.packedInput ? 129 : c.tile};
    rows.push_back(matmulRow(c, chip));
  }
  return rows;
}

} // namespace quipu::gpu::conformance
