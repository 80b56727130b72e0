#include "compiler/Target/Cuda/CudaTarget.h"

#include "compiler/Codegen/Gpu/GpuKernelChoice.h"
#include "compiler/Target/Cuda/Chips.h"
#include "compiler/Target/Cuda/Nvrtc.h"
#include "compiler/Target/Cuda/PtxClang.h"
#include "compiler/Target/Gpu/GpuTarget.h"

namespace quipu {

namespace {

// The driver's CUDA version, in the words of runtime/Device/Cuda: "cuda-13.0".
std::string driverFeature(int version) { return fmt::format("cuda-{}.{}", version / 1000, version % 1000 / 10); }

// NVRTC where there is one; else clang, whose PTX the driver compiles when a program is loaded. PTX of a chip whose
// name ends in "a" has instructions that later chips need not have.
Expected<gpu::Toolchain> findToolchain(const gpu::Chip &chip, bool text) {
  gpu::Toolchain toolchain;
  if (text && chip.name.back() == 'a')
    return makeError("--ptx: PTX of {} is for no later chip; give a target such as cuda:sm_80", chip.name);
  auto nvrtc = cuda::Nvrtc::open(chip.name, text);
  if (nvrtc) {
    toolchain.features = {chip.name, driverFeature((*nvrtc)->leastDriver())};
    toolchain.compiler = std::move(*nvrtc);
    return toolchain;
  }
  auto clang = cuda::PtxClang::find(chip.name);
  if (!clang)
    return makeError("{}; and {}", nvrtc.error().message, clang.error().message);
  toolchain.features = {chip.name, driverFeature((*clang)->leastDriver())};
  toolchain.warnings = {fmt::format("cuda:{}: {}; the artifact carries PTX made by clang, which the driver compiles "
                                    "each time it is loaded",
                                    chip.name, nvrtc.error().message)};
  toolchain.compiler = std::move(*clang);
  return toolchain;
}

} // namespace

Expected<std::unique_ptr<Target>> findCudaTarget(std::string_view name) {
  Expected<gpu::Chip> chip = cuda::findChip(name);
  if (!chip)
    return passError(std::move(chip));
  return gpu::makeTarget({"cuda:" + chip->name, *chip, std::make_unique<gpu::GpuKernelChoice>(*chip), findToolchain});
}

} // namespace quipu
