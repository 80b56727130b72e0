#include "compiler/Target/Cuda/PtxClang.h"

#include "llvm/ADT/StringExtras.h"

namespace quipu::cuda {

namespace {

// The PTX that a chip's instructions need. Older PTX is understood by more drivers. Versions and drivers: the release
// notes in NVIDIA's "Parallel Thread Execution ISA".
struct PtxVersion {
  const char *feature; // LLVM's name
  int cuda;            // whose driver is the first to know it
};

PtxVersion ptxVersion(const std::string &chip) {
  if (chip == "sm_80")
    return {"+ptx70", 11000};
  if (chip == "sm_86")
    return {"+ptx71", 11010};
  if (chip == "sm_89")
    return {"+ptx78", 11080};
  if (chip == "sm_90a")
    return {"+ptx80", 12000};
  if (chip == "sm_100a")
    return {"+ptx86", 12070};
  return {"+ptx87", 12080};
}

} // namespace

Expected<std::unique_ptr<PtxClang>> PtxClang::find(const std::string &chip) {
  Expected<Clang> clang = Clang::find();
  if (!clang)
    return passError(std::move(clang));
  int needed = chip == "sm_120a" ? 21 : chip == "sm_100a" ? 20 : Clang::oldestMajor;
  if (clang->major() < needed)
    return makeError("{} is clang {}; {} needs {} or later", clang->path(), clang->major(), chip, needed);
  return std::unique_ptr<PtxClang>(new PtxClang(std::move(*clang), chip));
}

std::vector<std::string> PtxClang::options() const {
  return {"-nocudainc",
          "-nocudalib",
          "--cuda-device-only",
          "--cuda-gpu-arch=" + chip,
          "--cuda-path=/nonexistent", // a toolkit of this machine must not change the code
          "-Xclang",
          "-target-feature",
          "-Xclang",
          ptxVersion(chip).feature,
          "-std=c++17",
          "-O3",
          "-fuse-cuid=none",
          "-Wno-unknown-cuda-version",
          "-S"};
}

std::string PtxClang::identity() const { return fmt::format("{} {}", name(), llvm::join(options(), " ")); }

int PtxClang::leastDriver() const { return ptxVersion(chip).cuda; }

Expected<gpu::DeviceCode> PtxClang::compile(const std::string &symbol, const std::string &source) const {
  Expected<std::string> ptx = assembly(symbol, source);
  if (!ptx)
    return passError(std::move(ptx));
  gpu::DeviceCode code;
  code.portable = std::move(*ptx);
  return code;
}

Expected<std::string> PtxClang::assembly(const std::string &symbol, const std::string &source) const {
  return clang.compile(fmt::format("kernel @{} for {}", symbol, chip), "cuda", source, options());
}

} // namespace quipu::cuda
