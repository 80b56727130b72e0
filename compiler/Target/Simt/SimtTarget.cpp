#include "compiler/Target/Simt/SimtTarget.h"

#include "compiler/Codegen/Gpu/GpuKernelChoice.h"
#include "compiler/Target/Cuda/Chips.h"
#include "compiler/Target/Gpu/GpuTarget.h"
#include "compiler/Target/Hip/Chips.h"
#include "compiler/Target/Simt/HostClang.h"

namespace quipu {

namespace {

Expected<gpu::Chip> findChip(std::string_view name) {
  std::string known;
  for (const std::vector<gpu::Chip> *chips : {&cuda::chips(), &hip::chips()})
    for (const gpu::Chip &chip : *chips) {
      if (chip.name == name)
        return chip;
      known += (known.empty() ? "" : ", ") + chip.name;
    }
  return makeError("simt takes the name of a GPU's chip, such as simt:sm_90a; the known ones: {}", known);
}

Expected<gpu::Toolchain> findToolchain(const gpu::Chip &, bool text) {
  if (text)
    return makeError("only CUDA targets have text for later chips");
  auto clang = simt::HostClang::find();
  if (!clang)
    return passError(std::move(clang));
  gpu::Toolchain toolchain;
  toolchain.compiler = std::move(*clang);
  return toolchain;
}

} // namespace

Expected<std::unique_ptr<Target>> findSimtTarget(std::string_view name) {
  Expected<gpu::Chip> chip = findChip(name);
  if (!chip)
    return passError(std::move(chip));
  return gpu::makeTarget({"simt:" + chip->name, *chip, std::make_unique<gpu::GpuKernelChoice>(*chip), findToolchain});
}

} // namespace quipu
