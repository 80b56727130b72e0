#include "compiler/Target/Hip/HipTarget.h"

#include "compiler/Codegen/Gpu/GpuKernelChoice.h"
#include "compiler/Target/Gpu/GpuTarget.h"
#include "compiler/Target/Hip/AmdClang.h"
#include "compiler/Target/Hip/Chips.h"
#include "compiler/Target/Hip/Hiprtc.h"

namespace quipu {

namespace {

// hiprtc, and clang for what hiprtc fails at: it may end its process.
class HiprtcElseClang : public gpu::DeviceCompiler {
public:
  HiprtcElseClang(std::unique_ptr<const DeviceCompiler> hiprtc, std::unique_ptr<const DeviceCompiler> clang)
      : hiprtc(std::move(hiprtc)), clang(std::move(clang)) {}

  std::string name() const override { return hiprtc->name(); }
  std::string identity() const override { return hiprtc->identity() + " else " + clang->identity(); }
  Expected<gpu::DeviceCode> compile(const std::string &symbol, const std::string &source) const override {
    Expected<gpu::DeviceCode> code = hiprtc->compile(symbol, source);
    if (code)
      return code;
    Expected<gpu::DeviceCode> other = clang->compile(symbol, source);
    if (!other)
      return makeError("{}; and {}", code.error().message, other.error().message);
    return other;
  }
  Expected<std::string> assembly(const std::string &symbol, const std::string &source) const override {
    return hiprtc->assembly(symbol, source);
  }

private:
  std::unique_ptr<const DeviceCompiler> hiprtc, clang;
};

// hiprtc for the chips its release is known to support, else clang. The compilers of releases before 6.0 (LLVM 16 and
// older) keep small arrays of the kernels in memory that later ones keep in registers: clang is better where it is
// there.
Expected<gpu::Toolchain> findToolchain(const gpu::Chip &chip, bool text) {
  if (text)
    return makeError("only CUDA targets have text for later chips");
  constexpr int goodRelease = 600;
  gpu::Toolchain toolchain;
  toolchain.features = {chip.name};
  auto hiprtc = hip::Hiprtc::open(chip.name);
  auto clang = hip::AmdClang::find(chip.name);
  if (!hiprtc && !clang)
    return makeError("{}; and {}", hiprtc.error().message, clang.error().message);
  if (!clang)
    toolchain.compiler = std::move(*hiprtc);
  else if (!hiprtc || (*hiprtc)->hipRelease() < goodRelease)
    toolchain.compiler = std::move(*clang);
  else
    toolchain.compiler = std::make_unique<HiprtcElseClang>(std::move(*hiprtc), std::move(*clang));
  return toolchain;
}

} // namespace

Expected<std::unique_ptr<Target>> findHipTarget(std::string_view name) {
  Expected<gpu::Chip> chip = hip::findChip(name);
  if (!chip)
    return passError(std::move(chip));
  return gpu::makeTarget({"hip:" + chip->name, *chip, std::make_unique<gpu::GpuKernelChoice>(*chip), findToolchain});
}

} // namespace quipu
