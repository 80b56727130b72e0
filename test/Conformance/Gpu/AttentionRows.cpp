#include "test/Conformance/Gpu/KernelTable.h"

namespace quipu::gpu::conformance {

std::vector<KernelRow> attentionRows(const Chip &) {
  std::vector<KernelRow> rows;
  for (ElementType element : {ElementType::F32, ElementType::BF16, ElementType::F16})
    for (const AttentionShape &shape : {AttentionShape{8, 2, 64, 0, element},
                                        {6, 6, 20, 0, element},
                                        {3, 1, 8, 7, element},
                                        {32, 1, 128, 40, element}}) {
      rows.push_back(attentionRow(shape, KvLayout::Rows, 1e-5));
      KernelParams params = attentionParams(shape);
      params["splits"] = int64_t(3);
      params["tokens"] = mostTokensOfAttention();
      rows.back().name += "_split3";
      rows.back().stages = {{"", "attention_split", params}, {"", "attention_merge", params}};
    }
  return rows;
}

} // namespace quipu::gpu::conformance
