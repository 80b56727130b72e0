#include "compiler/Target/Gpu/GpuTarget.h"

#include "compiler/Target/Gpu/CompileKernels.h"
#include "runtime/Artifact/CodeBundle.h"

#include <mutex>

namespace quipu::gpu {

namespace {

class GpuTarget : public Target {
public:
  explicit GpuTarget(Backend backend) : backend(std::move(backend)) {}

  std::string name() const override { return backend.name; }
  const KernelChoice &choice() const override { return *backend.choice; }
  std::vector<std::string> features() const override {
    return toolchain() ? toolchain()->features : std::vector<std::string>{backend.chip.name};
  }

  Expected<TargetCode> compile(const std::vector<KernelSpec> &specs,
                               const TargetCompileOptions &options) const override {
    Expected<Toolchain> withText;
    if (options.text)
      withText = backend.findToolchain(backend.chip, true);
    const Expected<Toolchain> &tools = options.text ? withText : toolchain();
    if (!tools)
      return makeError("{}: {}", name(), tools.error().message);
    CompileOptions own;
    own.threads = options.threads;
    own.progress = options.progress;
    Expected<CompiledKernels> compiled = compileKernels(specs, backend.chip, *tools->compiler, own);
    if (!compiled)
      return passError(std::move(compiled));
    TargetCode code;
    code.compiled = compiled->compiled;
    code.warnings = tools->warnings;
    std::vector<BundledKernel> bundled;
    for (size_t i = 0; i < specs.size(); ++i) {
      CompiledKernel &kernel = compiled->kernels[i];
      code.kernels.push_back({kernel.kernel.scratchBytes, kernel.kernel.launch, kernel.code.resources, kernel.seconds});
      bundled.push_back({specs[i].symbol, std::move(kernel.code.native), std::move(kernel.code.portable)});
    }
    code.section = writeCodeBundle(std::move(bundled));
    return code;
  }

  // The source, then what the compiler makes of it.
  Expected<std::string> print(const KernelSpec &spec) const override {
    Expected<Kernel> kernel = generate(spec, backend.chip);
    if (!kernel)
      return passError(std::move(kernel));
    if (!toolchain())
      return std::move(kernel->source);
    Expected<std::string> assembly = toolchain()->compiler->assembly(spec.symbol, kernel->source);
    if (!assembly)
      return passError(std::move(assembly));
    return kernel->source + "\n" + *assembly;
  }

private:
  const Expected<Toolchain> &toolchain() const {
    std::call_once(once, [&] { found = backend.findToolchain(backend.chip, false); });
    return found;
  }

  Backend backend;
  mutable std::once_flag once;
  mutable Expected<Toolchain> found;
};

} // namespace

std::unique_ptr<Target> makeTarget(Backend backend) { return std::make_unique<GpuTarget>(std::move(backend)); }

} // namespace quipu::gpu
