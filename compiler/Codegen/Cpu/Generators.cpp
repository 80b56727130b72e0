#include "compiler/Codegen/Cpu/Generators.h"

namespace quipu::cpu {

Generator findGenerator(std::string_view name) {
  static constexpr struct {
    std::string_view name;
    Generator generator;
  } generators[] = {
      {"attention", generateAttention},
      {"attention_merge", generateAttentionMerge},
      {"embedding", generateEmbedding},
      {"expert_group", generateExpertGroup},
      {"expert_matmul", generateExpertMatmul},
      {"expert_pack", generateExpertPack},
      {"kv_append", generateKvAppend},
      {"layer_norm", generateNorm},
      {"matmul", generateMatmul},
      {"pack_input", generatePackInput},
      {"pointwise", generatePointwise},
      {"position_scale", generatePositionScale},
      {"rms_norm", generateNorm},
      {"rope", generateRope},
      {"rope_append", generateRopeAppend},
      {"route", generateRoute},
      {"sample", generateSample},
      {"select_rows", generateSelectRows},
      {"slice_columns", generateSliceColumns},
  };
  for (const auto &entry : generators)
    if (entry.name == name)
      return entry.generator;
  return nullptr;
}

} // namespace quipu::cpu
