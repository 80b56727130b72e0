#include "compiler/Target/Hip/HipTarget.h"

#include "compiler/Codegen/Gpu/GpuKernelChoice.h"
#include "compiler/Target/Gpu/GpuTarget.h"
#include "compiler/Target/Hip/AmdClang.h"
#include "compiler/Target/Hip/Chips.h"
#include "compiler/Target/Hip/Hiprtc.h"

namespace quipu {

namespace {

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
  if (!hiprtc || (*hiprtc)->hipRelease() < goodRelease) {
    auto clang = hip::AmdClang::find(chip.name);
    if (clang) {
      toolchain.compiler = std::move(*clang);
      return toolchain;
    }
    if (!hiprtc)
      return makeError("{}; and {}", hiprtc.error().message, clang.error().message);
  }
  toolchain.compiler = std::move(*hiprtc);
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
