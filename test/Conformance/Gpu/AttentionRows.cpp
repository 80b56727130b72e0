#include "test/Conformance/Gpu/KernelTable.h"

namespace quipu::gpu::conformance {
namespace {

KernelRow splitRow(const AttentionCase &shape, int64_t splits) {
  KernelRow row = attentionRow(shape, "rows", 1e-5);
  KernelParams params = kernelShape(shape).params();
  params["splits"] = splits;
  params["tokens"] = mostTokensOfAttention();
  row.name += "_split" + std::to_string(splits);
  row.stages = {{"", "attention_split", params}, {"", "attention_merge", params}};
  row.sizes.pop_back(); // many tokens at once are not what it is for
  return row;
}

// Matrix instructions take queries and weights rounded to the cache's type; scores of magnitude 8 are exponentiated.
KernelRow manyRow(const AttentionCase &shape, const Chip &chip) {
  bool matrix = shape.element == ElementType::BF16 ? chip.hasBf16Matrix
                                                   : shape.element == ElementType::F16 && chip.matrix != Matrix::None;
  KernelRow row = attentionRow(shape, "rows", !matrix ? 1e-5 : shape.element == ElementType::BF16 ? 2e-2 : 2e-3);
  row.stages = {{"", "attention", kernelShape(shape).params()}};
  return row;
}

} // namespace

std::vector<KernelRow> attentionRows(const Chip &chip) {
  std::vector<KernelRow> rows;
  for (ElementType element : {ElementType::F32, ElementType::BF16, ElementType::F16})
    for (const AttentionCase &shape : {AttentionCase{8, 2, 64, 0, element},
                                       {6, 6, 20, 0, element},       // rows of no whole 16 bytes (but in f32)
                                       {3, 1, 8, 7, element},        // an odd group, a window inside a page
                                       {32, 1, 128, 40, element}}) { // a group larger than a block takes
      rows.push_back(splitRow(shape, 3));
      rows.push_back(manyRow(shape, chip));
    }
  for (const AttentionCase &shape : {AttentionCase{4, 2, 16, 0, ElementType::BF16},
                                     {2, 1, 32, 0, ElementType::F16},
                                     {4, 1, 48, 20, ElementType::BF16},
                                     {2, 2, 80, 0, ElementType::F16},
                                     {4, 4, 96, 0, ElementType::BF16},
                                     {8, 1, 256, 0, ElementType::BF16},
                                     {2, 1, 256, 0, ElementType::F32}}) {
    rows.push_back(splitRow(shape, 2));
    rows.push_back(manyRow(shape, chip));
  }
  return rows;
}

} // namespace quipu::gpu::conformance
