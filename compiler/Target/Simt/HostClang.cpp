#include "compiler/Target/Simt/HostClang.h"

#include "compiler/Codegen/Gpu/SourcePrinter.h"
#include "compiler/Target/CompileCache.h"

namespace quipu::simt {

namespace {

// Optimised just enough that inlining takes the templates apart: a kernel runs a few times and is compiled once.
// x86-64-v3 has the conversions of f16.
constexpr std::string_view options[] = {"-std=c++17",
                                        "-O1",
                                        "-fPIC",
                                        "-shared",
                                        "-nostdlib",
                                        "-march=x86-64-v3",
                                        "-fno-exceptions",
                                        "-fno-rtti",
                                        "-fuse-ld=lld",
                                        "-Wno-pragma-once-outside-header",
                                        "-Wl,--build-id=none"};

// What comes in front of every kernel.
const std::string &shim() {
  static const auto &text = *new std::string("#define QUIPU_SIMT 1\n" + std::string(gpu::deviceHeader("KernelAbi.h")) +
                                             std::string(gpu::deviceHeader("simt.h")));
  return text;
}

} // namespace

Expected<std::unique_ptr<HostClang>> HostClang::find() {
  Expected<Clang> clang = Clang::find();
  if (!clang)
    return passError(std::move(clang));
  return std::unique_ptr<HostClang>(new HostClang(std::move(*clang)));
}

std::string HostClang::identity() const {
  return fmt::format("{} for the host, {}; shim {}", clang.version(), fmt::join(options, " "),
                     CompileCache::key(shim()));
}

Expected<gpu::DeviceCode> HostClang::compile(const std::string &symbol, const std::string &source) const {
  Expected<std::string> code = clang.compile(fmt::format("kernel @{}", symbol), "c++", shim() + source,
                                             {std::begin(options), std::end(options)});
  if (!code)
    return passError(std::move(code));
  gpu::DeviceCode result;
  result.native = std::move(*code);
  return result;
}

} // namespace quipu::simt
