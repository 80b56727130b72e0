// Compiles GPU kernels for the host and runs them as the Simt device does.
#pragma once

#include "compiler/Codegen/Gpu/Kernel.h"
#include "compiler/Target/Simt/HostClang.h"
#include "runtime/Device/Cpu/CodeImage.h"
#include "runtime/Device/Simt/Grid.h"
#include "test/Conformance/Gpu/KernelTable.h"

#include <map>
#include <memory>

namespace quipu::gpu::conformance {

class KernelLibrary {
public:
  // Every stage of every row. Rows whose kernels do not compile say so when they are run.
  static Expected<std::shared_ptr<KernelLibrary>> compile(const std::vector<KernelRow> &rows, const Chip &chip);

  // Runs a row's stages on the problem. `slack`: the grid is that of a step larger by so many tokens, sequences and
  // rows, as of a captured graph. Returns a message when a kernel did what it must not.
  std::string run(const KernelRow &row, Problem &problem, int64_t slack);

private:
  struct LoadedKernel {
    std::string error;
    Kernel generated;
    cpu::CodeImage code;
    simt::KernelImage image;
  };

  uint32_t waveWidth = 32;
  std::unique_ptr<simt::GridRunner> grid;
  std::map<std::string, std::vector<LoadedKernel>> kernels;
};

} // namespace quipu::gpu::conformance
