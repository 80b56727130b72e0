#include "compiler/Codegen/Gpu/Generate.h"

namespace quipu::gpu {
namespace {

constexpr struct {
  std::string_view name;
  Expected<Kernel> (*generator)(const KernelSpec &, const Chip &);
} generators[] = {
    {"attention_split", generateAttentionSplit},
    {"attention_merge", generateAttentionMerge},
    {"matmul", generateMatmul},
    {"pack_input", generatePackInput},
    {"rms_norm", generateRmsNorm},
};

} // namespace

Expected<Kernel> generate(const KernelSpec &spec, const Chip &chip) {
  for (const auto &entry : generators)
    if (entry.name == spec.generator)
      return entry.generator(spec, chip);
  return makeError("kernel @{}: there is no generator \"{}\" for GPUs", spec.symbol, spec.generator);
}

} // namespace quipu::gpu
