// A GPU as a target of the compiler: kernels become a bundle of images. Backends say their chip, which kernels they
// choose and how they find a compiler.
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "compiler/Target/Gpu/DeviceCompiler.h"
#include "compiler/Target/Target.h"

namespace quipu::gpu {

// A compiler of this machine and what follows from it.
struct Toolchain {
  std::unique_ptr<const DeviceCompiler> compiler;
  std::vector<std::string> features; // what the device must have for this compiler's code
  std::vector<std::string> warnings;
};

// What makes a backend.
struct Backend {
  std::string name; // "cuda:sm_90a"
  Chip chip;
  std::unique_ptr<const KernelChoice> choice;
  // Asked when code is wanted. `text`: code with text for later chips beside it; an error where there is none.
  std::function<Expected<Toolchain>(const Chip &chip, bool text)> findToolchain;
};

std::unique_ptr<Target> makeTarget(Backend backend);

} // namespace quipu::gpu
