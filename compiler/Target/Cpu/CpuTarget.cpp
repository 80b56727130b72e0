#include "compiler/Target/Cpu/CpuTarget.h"

#include "compiler/Target/Cpu/CompileKernels.h"

namespace quipu {

namespace {

class CpuTarget : public Target {
public:
  explicit CpuTarget(cpu::Chip chip) : chip(std::move(chip)) {}

  std::string name() const override { return "cpu:" + chip.name; }
  std::vector<std::string> features() const override { return chip.features; }

  Expected<TargetCode> compile(const std::vector<KernelSpec> &kernels,
                               const TargetCompileOptions &options) const override {
    cpu::CompileOptions own;
    own.threads = options.threads;
    own.progress = options.progress;
    Expected<cpu::CompiledKernels> compiled = cpu::compileKernels(kernels, chip, own);
    if (!compiled)
      return passError(std::move(compiled));
    return TargetCode{std::move(compiled->sharedObject), std::move(compiled->scratchBytes), compiled->compiled};
  }

  Expected<std::string> print(const KernelSpec &kernel) const override {
    return cpu::printKernel(kernel, chip, cpu::KernelForm::Assembly);
  }

private:
  cpu::Chip chip;
};

} // namespace

Expected<std::unique_ptr<Target>> findCpuTarget(std::string_view chipName) {
  Expected<cpu::Chip> chip = cpu::findChip(chipName.empty() ? "cpu" : chipName);
  if (!chip)
    return passError(std::move(chip));
  return std::make_unique<CpuTarget>(std::move(*chip));
}

} // namespace quipu
