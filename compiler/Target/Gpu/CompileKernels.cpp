#include "compiler/Target/Gpu/CompileKernels.h"

#include <chrono>
#include <cstring>
#include <optional>
#include <set>

namespace quipu::gpu {

namespace {

// What the cache keeps in front of the two images.
struct EntryHeader {
  uint64_t nativeBytes, portableBytes;
  int64_t known, registers, scalarRegisters, sharedBytes, stackBytes, spills, serialized;
};

std::string toBytes(const DeviceCode &code) {
  const Resources &use = code.resources;
  EntryHeader header{code.native.size(), code.portable.size(), use.known,  use.registers, use.scalarRegisters,
                     use.sharedBytes,    use.stackBytes,       use.spills, use.serialized};
  return std::string(reinterpret_cast<const char *>(&header), sizeof(header)) + code.native + code.portable;
}

std::optional<DeviceCode> fromBytes(const std::optional<std::string> &bytes) {
  EntryHeader header;
  if (!bytes || bytes->size() < sizeof(header))
    return std::nullopt;
  std::memcpy(&header, bytes->data(), sizeof(header));
  size_t images = bytes->size() - sizeof(header);
  if (header.nativeBytes > images || header.portableBytes != images - header.nativeBytes)
    return std::nullopt;
  DeviceCode code;
  code.native = bytes->substr(sizeof(header), header.nativeBytes);
  code.portable = bytes->substr(sizeof(header) + header.nativeBytes);
  code.resources = {header.known != 0, header.registers, header.scalarRegisters, header.sharedBytes,
                    header.stackBytes, header.spills,    header.serialized};
  return code;
}

} // namespace

Expected<CompiledKernels> compileKernels(const std::vector<KernelSpec> &specs, const Chip &chip,
                                         const DeviceCompiler &compiler, const CompileOptions &options) {
  CompileCache cache(options.cacheFolder);
  CompiledKernels result;
  result.kernels.resize(specs.size());
  std::vector<std::string> keys;
  std::vector<size_t> missing;
  std::set<std::string_view> symbols;
  std::string identity = compiler.identity();
  for (size_t i = 0; i < specs.size(); ++i) {
    if (!symbols.insert(specs[i].symbol).second)
      return makeError("two kernels are called @{}", specs[i].symbol);
    Expected<Kernel> kernel = generate(specs[i], chip);
    if (!kernel)
      return passError(std::move(kernel));
    if (kernel->launch.sharedBytes > chip.sharedPerBlock)
      return makeError("kernel @{} for {}: takes {} bytes of shared memory, a block has {}", specs[i].symbol, chip.name,
                       kernel->launch.sharedBytes, chip.sharedPerBlock);
    keys.push_back(CompileCache::key(identity + '\n' + kernel->source));
    result.kernels[i].kernel = std::move(*kernel);
    if (auto found = fromBytes(cache.find(keys[i])))
      result.kernels[i].code = std::move(*found);
    else
      missing.push_back(i);
  }
  auto makeWorker = [&] {
    return [&](size_t job) -> Expected<> {
      size_t i = missing[job];
      CompiledKernel &kernel = result.kernels[i];
      auto start = std::chrono::steady_clock::now();
      Expected<DeviceCode> code = compiler.compile(specs[i].symbol, kernel.kernel.source);
      if (!code)
        return passError(std::move(code));
      // Behind static shared memory the dynamic part would begin where that ends, and its tiles must lie at 1024 bytes.
      if (kernel.kernel.launch.sharedBytes > 0 && code->resources.sharedBytes > 0)
        return makeError("kernel @{} for {}: {} bytes of static shared memory beside the dynamic part", specs[i].symbol,
                         chip.name, code->resources.sharedBytes);
      kernel.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      kernel.code = std::move(*code);
      cache.put(keys[i], toBytes(kernel.code));
      return {};
    };
  };
  auto done =
      runCompileJobs(missing.size(), makeWorker, options.threads, options.progress, specs.size() - missing.size());
  if (!done)
    return passError(std::move(done));
  result.compiled = missing.size();
  return result;
}

} // namespace quipu::gpu
