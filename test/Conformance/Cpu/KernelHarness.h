// Compiles kernels, maps the shared object and calls them in this process.
#pragma once

#include "compiler/Target/Cpu/CompileKernels.h"
#include "runtime/Device/Cpu/KernelAbi.h"
#include "test/Conformance/Cpu/KernelTable.h"

#include <memory>

namespace quipu::cpu::conformance {

// A compiled and loaded set of kernels.
class KernelLibrary {
public:
  // Every stage of every row, for one chip.
  static Expected<std::shared_ptr<KernelLibrary>> compile(const std::vector<KernelRow> &rows, const Chip &chip);
  ~KernelLibrary();

  // Runs a row's stages on the problem with that many workers, one worker after the other (they share nothing within a
  // stage). Returns a message when a kernel wrote past its scratch or an operand.
  std::string run(const KernelRow &row, Problem &problem, int workers) const;

  struct LoadedKernel {
    Kernel function;
    int64_t scratchBytes;
  };
  const std::vector<LoadedKernel> &stages(const KernelRow &row) const { return kernels.at(row.name); }

private:
  void *handle = nullptr;
  int file = -1;
  std::map<std::string, std::vector<LoadedKernel>> kernels;
};

} // namespace quipu::cpu::conformance
