// Variants of CPU kernels by the number of rows.
#pragma once

#include "compiler/Codegen/KernelChoice.h"
#include "compiler/Target/Cpu/Chip.h"

namespace quipu::cpu {

class CpuKernelChoice : public KernelChoice {
public:
  explicit CpuKernelChoice(Chip chip) : chip(std::move(chip)) {}

  // Up to 16 rows packing the input takes little time, so each worker does it privately and no barrier is spent; above,
  // the input is packed once for all workers and the kernel is bound by arithmetic.
  MatmulKernels matmul(const MatmulShape &shape) const override;
  // A step of few tokens is all or mostly decoding: the positions of a sequence may have to be shared out.
  std::optional<MatmulKernels> experts(const ExpertShape &shape) const override;
  std::vector<VariantChoice> attention(const AttentionShape &shape) const override;
  int64_t attentionPartials(const AttentionShape &shape) const override;
  std::vector<KernelStages> alternatives(const KernelStages &stages, int64_t rows) const override;
  bool takes(const StorageFormat &) const override { return true; }
  std::string matmulLayout(bool gated) const override { return gated ? "panel64_gated" : "panel64"; }
  std::string kvLayout() const override { return "keys_transposed"; }
  std::string tableLayout(const StorageFormat &format) const override {
    return format.isBlocked() ? "panel64" : "row_major";
  }

private:
  Chip chip;
};

} // namespace quipu::cpu
