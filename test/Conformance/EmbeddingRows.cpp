// embedding against the table's own rows.
#include "test/Conformance/SharedRows.h"

namespace quipu::conformance {
namespace {

KernelRow embeddingRow(int64_t rows, int64_t dim, ElementType storage, const std::string &layout,
                       const TableLayout &lay) {
  KernelRow row;
  row.name = fmt::format("embedding_{}_{}_v{}_d{}", name(storage), layout, rows, dim);
  row.stages = {{"", "embedding", {{"rows", rows}, {"dim", dim}, {"storage", name(storage)}, {"layout", layout}}}};
  row.tolerance = 0;
  row.sizes = {1, 2, 7};
  row.make = [=](int64_t tokens) {
    std::vector<float> table = randomValues(size_t(rows * dim), 1);
    // The last token's id is outside the table.
    std::vector<int32_t> ids;
    for (int64_t t = 0; t < tokens; ++t)
      ids.push_back(t == 6 ? int32_t(rows) : t == 5 ? -1 : int32_t((t * 37 + rows - 1) % rows));
    Problem problem("embedding");
    problem.dims[Tokens] = tokens;
    problem.give({{"ids", Operand::of(ids)},
                  {"table", lay(table, rows, dim, storage)},
                  {"out", Operand::output(size_t(tokens * dim * 4))}});
    Expectation out{problem.indexOf("out"), ElementType::F32, {}, {}};
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

std::vector<KernelRow> embeddingRows(const std::vector<ElementType> &elements, const std::string &layout,
                                     const TableLayout &lay) {
  std::vector<KernelRow> rows;
  for (ElementType storage : elements) {
    rows.push_back(embeddingRow(130, 64, storage, layout, lay));
    rows.push_back(embeddingRow(65, 37, storage, layout, lay));
  }
  return rows;
}

} // namespace quipu::conformance
