// Clang as the compiler for NVIDIA's chips where there is no NVRTC: PTX, which the driver compiles when it loads it.
#pragma once

#include "compiler/Target/Clang/Clang.h"
#include "compiler/Target/Gpu/DeviceCompiler.h"

#include <memory>

namespace quipu::cuda {

class PtxClang : public gpu::DeviceCompiler {
public:
  // Errors: no clang, or one that does not know the chip.
  static Expected<std::unique_ptr<PtxClang>> find(const std::string &chip);

  std::string name() const override { return clang.version(); }
  std::string identity() const override;
  // CUDA release whose driver is the first to know this PTX, times 1000 plus ten times the minor: 12080.
  int leastDriver() const;

  Expected<gpu::DeviceCode> compile(const std::string &symbol, const std::string &source) const override;
  Expected<std::string> assembly(const std::string &symbol, const std::string &source) const override; // PTX

private:
  PtxClang(Clang clang, std::string chip) : clang(std::move(clang)), chip(std::move(chip)) {}
  std::vector<std::string> options() const;

  Clang clang;
  std::string chip;
};

} // namespace quipu::cuda
