// What the attention generators share.
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "compiler/Codegen/Gpu/Generate.h"

#include <string>
#include <vector>

namespace quipu::gpu {

struct AttentionParams {
  int64_t heads = 0, kvHeads = 0, dim = 0;
  int64_t window = 0; // 0: none
  double scale = 1;
  std::string elem; // as the device headers name it: "float", "bf16", "f16"

  int64_t group() const { return heads / kvHeads; } // query heads that share a KV head
  int64_t elemBytes() const { return elem == "float" ? 4 : 2; }

  // Members of the structure the templates in device/attention read: all but those of one template.
  std::string members() const;
  // q, positions, seq_starts, context_lens, page_table, cache, out
  std::vector<std::string> operands() const;
};

// Reads all parameters of an attention kernel but the generator's own.
AttentionParams readAttention(ParamReader &params);

} // namespace quipu::gpu
