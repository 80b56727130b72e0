// Clang and LLD as the compiler for AMD's chips: a code object, no ROCm needed.
#pragma once

#include "compiler/Target/Clang/Clang.h"
#include "compiler/Target/Gpu/DeviceCompiler.h"

#include <memory>

namespace quipu::hip {

class AmdClang : public gpu::DeviceCompiler {
public:
  // Errors: no clang, or one that does not know the chip.
  static Expected<std::unique_ptr<AmdClang>> find(const std::string &chip);

  std::string name() const override { return clang.version(); }
  std::string identity() const override;
  Expected<gpu::DeviceCode> compile(const std::string &symbol, const std::string &source) const override;
  Expected<std::string> assembly(const std::string &symbol, const std::string &source) const override;

private:
  AmdClang(Clang clang, std::string chip) : clang(std::move(clang)), chip(std::move(chip)) {}
  std::vector<std::string> options() const;

  Clang clang;
  std::string chip;
};

} // namespace quipu::hip
