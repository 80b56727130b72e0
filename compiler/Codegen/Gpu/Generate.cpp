#include "compiler/Codegen/Gpu/Generate.h"

namespace quipu::gpu {
namespace {

constexpr struct {
  std::string_view name;
  Expected<Kernel> (*generator)(const KernelSpec &, const Chip &);
} generators[] = {
    {"attention", generateAttention},
    {"attention_split", generateAttentionSplit},
    {"attention_merge", generateAttentionMerge},
    {"embedding", generateEmbedding},
    {"kv_append", generateKvAppend},
    {"matmul", generateMatmul},
    {"pack_input", generatePackInput},
    {"pointwise", generatePointwise},
    {"rms_norm", generateRmsNorm},
    {"rope", generateRope},
    {"rope_append", generateRopeAppend},
    {"sample", generateSample},
    {"sample_split", generateSampleSplit},
    {"sample_merge", generateSampleMerge},
    {"select_rows", generateSelectRows},
    {"slice_columns", generateSliceColumns},
};

} // namespace

Expected<Kernel> generate(const KernelSpec &spec, const Chip &chip) {
  for (const auto &entry : generators)
    if (entry.name == spec.generator)
      return entry.generator(spec, chip);
  return makeError("kernel @{}: there is no generator \"{}\" for GPUs", spec.symbol, spec.generator);
}

} // namespace quipu::gpu
