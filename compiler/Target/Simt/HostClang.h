// Clang as the compiler of GPU kernels for the host: a shared object that the Simt device runs, with the entry
// `symbol` and quipuSimtCurrent (device/simt.h).
#pragma once

#include "compiler/Target/Clang/Clang.h"
#include "compiler/Target/Gpu/DeviceCompiler.h"

#include <memory>

namespace quipu::simt {

class HostClang : public gpu::DeviceCompiler {
public:
  // Errors: no clang.
  static Expected<std::unique_ptr<HostClang>> find();

  std::string name() const override { return clang.version(); }
  std::string identity() const override;
  Expected<gpu::DeviceCode> compile(const std::string &symbol, const std::string &source) const override;

private:
  explicit HostClang(Clang clang) : clang(std::move(clang)) {}

  Clang clang;
};

} // namespace quipu::simt
