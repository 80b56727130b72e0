#include "compiler/Codegen/Cpu/WeightLayout.h"
#include "test/Conformance/Cpu/KernelTable.h"

namespace quipu::cpu::conformance {
namespace {

KernelRow embeddingRow(int64_t rows, int64_t dim, Storage storage, const std::string &layout) {
  std::string storageName = storage == Storage::F32 ? "f32" : "bf16";
  KernelRow row;
  row.name = fmt::format("embedding_{}_{}_v{}_d{}", storageName, layout, rows, dim);
  row.stages = {{"", "embedding", {{"rows", rows}, {"dim", dim}, {"storage", storageName}, {"layout", layout}}}};
  row.tolerance = 0;
  row.sizes = {1, 2, 7};
  row.make = [=](const Chip &, int64_t tokens) {
    std::vector<float> table = randomValues(size_t(rows * dim), 1);
    // The last token's id is outside the table.
    std::vector<int32_t> ids;
    for (int64_t t = 0; t < tokens; ++t)
      ids.push_back(t == 6 ? int32_t(rows) : t == 5 ? -1 : int32_t((t * 37 + rows - 1) % rows));
    Operand stored = layout == "panel64"       ? asPanels(table, PanelLayout(rows, dim, storage))
                     : storage == Storage::F32 ? Operand::of(table)
                                               : Operand::of(toBf16(table));
    Problem problem;
    problem.dims[size_t(StepDim::Tokens)] = tokens;
    problem.operands = {Operand::of(ids), stored, Operand::output(size_t(tokens * dim * 4))};
    Expectation out{2, ElementType::F32, {}, {}};
    std::vector<float> value = rounded(table, storage);
    for (int32_t id : ids)
      for (int64_t d = 0; d < dim; ++d)
        out.value.push_back(id < 0 || id >= rows ? 0 : value[size_t(id * dim + d)]);
    problem.expected = {out};
    return problem;
  };
  return row;
}

} // namespace

std::vector<KernelRow> embeddingRows() {
  std::vector<KernelRow> rows;
  for (Storage storage : {Storage::F32, Storage::BF16})
    for (const char *layout : {"row_major", "panel64"}) {
      rows.push_back(embeddingRow(130, 64, storage, layout));
      rows.push_back(embeddingRow(65, 37, storage, layout));
    }
  return rows;
}

} // namespace quipu::cpu::conformance
