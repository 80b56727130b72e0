#include "compiler/Target/Hip/AmdClang.h"

#include "compiler/Target/Hip/CodeObject.h"

#include "llvm/ADT/StringExtras.h"

namespace quipu::hip {

Expected<std::unique_ptr<AmdClang>> AmdClang::find(const std::string &chip) {
  Expected<Clang> clang = Clang::find();
  if (!clang)
    return passError(std::move(clang));
  int needed = chip == "gfx950" ? 20 : Clang::oldestMajor;
  if (clang->major() < needed)
    return makeError("{} is clang {}; {} needs {} or later", clang->path(), clang->major(), chip, needed);
  return std::unique_ptr<AmdClang>(new AmdClang(std::move(*clang), chip));
}

std::vector<std::string> AmdClang::options() const {
  return {"-nogpuinc",
          "-nogpulib",
          "--offload-device-only",
          "--no-gpu-bundle-output",
          "--offload-arch=" + chip,
          "--rocm-path=/nonexistent", // a ROCm of this machine must not change the code
          "-mcode-object-version=5",  // read by ROCm 5.5 and later
          "-std=c++17",
          "-O3",
          "-fuse-cuid=none",
          "-Xoffload-linker",
          "--strip-all",
          "-Wno-unused-command-line-argument"};
}

std::string AmdClang::identity() const { return fmt::format("{} {}", name(), llvm::join(options(), " ")); }

Expected<gpu::DeviceCode> AmdClang::compile(const std::string &symbol, const std::string &source) const {
  std::string what = fmt::format("kernel @{} for {}", symbol, chip);
  Expected<std::string> object = clang.compile(what, "hip", source, options());
  if (!object)
    return passError(std::move(object));
  Expected<gpu::Resources> resources = readCodeObject(*object, symbol);
  if (!resources)
    return makeError("{}: {}: {}", what, name(), resources.error().message);
  gpu::DeviceCode code;
  code.native = std::move(*object);
  code.resources = *resources;
  return code;
}

Expected<std::string> AmdClang::assembly(const std::string &symbol, const std::string &source) const {
  std::vector<std::string> arguments = options();
  arguments.push_back("-S");
  return clang.compile(fmt::format("kernel @{} for {}", symbol, chip), "hip", source, arguments);
}

} // namespace quipu::hip
