// Which kernels a GPU uses, and how its weights and caches lie.
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "compiler/Codegen/KernelChoice.h"

namespace quipu::gpu {

class GpuKernelChoice : public KernelChoice {
public:
  explicit GpuKernelChoice(Chip chip) : chip(std::move(chip)) {}

  MatmulKernels matmul(const MatmulShape &shape) const override;
  std::vector<VariantChoice> attention(const AttentionShape &shape) const override;
  std::vector<VariantChoice> sample(const SampleShape &shape) const override;
  bool takes(const StorageFormat &format) const override { return !format.isBlocked(); }
  std::string matmulLayout(bool gated) const override { return gated ? "tile64_gated" : "tile64"; }
  std::string kvLayout() const override { return "rows"; }

private:
  Chip chip;
};

} // namespace quipu::gpu
