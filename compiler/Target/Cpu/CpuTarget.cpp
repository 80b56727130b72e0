#include "compiler/Target/Cpu/CpuTarget.h"

#include "compiler/Codegen/Cpu/CpuKernelChoice.h"
#include "compiler/Target/Cpu/CompileKernels.h"
#include "compiler/Target/Cpu/CpuTimer.h"

namespace quipu {

namespace {

class CpuTarget : public Target {
public:
  explicit CpuTarget(const cpu::Chip &chip) : chip(chip), kernelChoice(chip) {}

  std::string name() const override { return "cpu:" + chip.name; }
  std::vector<std::string> features() const override { return chip.features; }
  const KernelChoice &choice() const override { return kernelChoice; }

  Expected<TargetCode> compile(const std::vector<KernelSpec> &kernels,
                               const TargetCompileOptions &options) const override {
    cpu::CompileOptions own;
    own.threads = options.threads;
    own.progress = options.progress;
    Expected<cpu::CompiledKernels> compiled = cpu::compileKernels(kernels, chip, own);
    if (!compiled)
      return passError(std::move(compiled));
    TargetCode code{std::move(compiled->sharedObject), {}, compiled->compiled, {}};
    for (int64_t scratchBytes : compiled->scratchBytes)
      code.kernels.push_back({scratchBytes, std::nullopt});
    return code;
  }

  Expected<std::unique_ptr<CandidateTimer>> timer(unsigned threads) const override {
    return cpu::createTimer(chip, threads);
  }

  Expected<std::string> print(const KernelSpec &kernel) const override {
    return cpu::printKernel(kernel, chip, cpu::KernelForm::Assembly);
  }

private:
  cpu::Chip chip;
  cpu::CpuKernelChoice kernelChoice;
};

} // namespace

Expected<std::unique_ptr<Target>> findCpuTarget(std::string_view chipName) {
  Expected<cpu::Chip> chip = cpu::findChip(chipName.empty() ? "cpu" : chipName);
  if (!chip)
    return passError(std::move(chip));
  return std::make_unique<CpuTarget>(*chip);
}

} // namespace quipu
