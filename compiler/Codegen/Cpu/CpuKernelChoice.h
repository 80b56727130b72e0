// Variants of CPU kernels by the number of rows.
#pragma once

#include "compiler/Codegen/KernelChoice.h"
#include "compiler/Target/Cpu/Chip.h"

namespace quipu::cpu {

class CpuKernelChoice : public KernelChoice {
public:
  explicit CpuKernelChoice(Chip chip) : chip(std::move(chip)) {}

  // Up to eight rows a matmul is bound by reading the weight, so each worker packs its input privately and no barrier
  // is spent; above, the input is packed once for all workers and the kernel is bound by arithmetic.
  MatmulKernels matmul(const MatmulShape &shape) const override;
  bool takes(const StorageFormat &format) const override { return format.dtype != fb::DType::f16; }
  std::string matmulLayout(bool gated) const override { return gated ? "panel64_gated" : "panel64"; }
  std::string kvLayout() const override { return "keys_transposed"; }
  std::string tableLayout(const StorageFormat &format) const override {
    return format.isBlocked() ? "panel64" : "row_major";
  }

private:
  Chip chip;
};

} // namespace quipu::cpu
