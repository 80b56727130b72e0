#include "test/Conformance/Cpu/KernelHarness.h"

#include <cmath>
#include <cstdlib>
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

namespace quipu::cpu::conformance {
namespace {

constexpr size_t guardBytes = 256;
constexpr uint8_t guardByte = 0xa5;

// A 64-byte aligned copy with guard bytes right behind it.
class GuardedBuffer {
public:
  explicit GuardedBuffer(size_t size) : size(size) {
    data = static_cast<uint8_t *>(std::aligned_alloc(64, (size + guardBytes + 63) / 64 * 64));
    std::memset(data, 0xff, size);
    std::memset(data + size, guardByte, guardBytes);
  }
  ~GuardedBuffer() { std::free(data); }
  GuardedBuffer(GuardedBuffer &&other) noexcept : data(other.data), size(other.size) { other.data = nullptr; }

  bool intact() const {
    for (size_t i = 0; i < guardBytes; ++i)
      if (data[size + i] != guardByte)
        return false;
    return true;
  }

  uint8_t *data;
  size_t size;
};

// The file stays open as long as the library: dlopen knows objects by name, and another with the same descriptor would
// be taken for this one.
void *mapSharedObject(const std::string &bytes, int &file) {
  file = memfd_create("kernels", 0);
  for (size_t done = 0; done < bytes.size();) {
    ssize_t written = write(file, bytes.data() + done, bytes.size() - done);
    if (written <= 0)
      return nullptr;
    done += size_t(written);
  }
  return dlopen(fmt::format("/proc/self/fd/{}", file).c_str(), RTLD_NOW | RTLD_LOCAL);
}

} // namespace

Expected<std::shared_ptr<KernelLibrary>> KernelLibrary::compile(const std::vector<KernelRow> &rows, const Chip &chip) {
  std::vector<KernelSpec> specs;
  for (const KernelRow &row : rows)
    for (KernelSpec spec : row.stages) {
      spec.symbol = fmt::format("k{}_{}", specs.size(), row.name);
      specs.push_back(std::move(spec));
    }
  CompileOptions options;
  options.cacheFolder.clear(); // the tests are about what the compiler makes now
  auto compiled = compileKernels(specs, chip, options);
  if (!compiled)
    return passError(std::move(compiled));
  auto library = std::make_shared<KernelLibrary>();
  library->handle = mapSharedObject(compiled->sharedObject, library->file);
  if (!library->handle)
    return makeError("dlopen: {}", dlerror());
  size_t index = 0;
  for (const KernelRow &row : rows)
    for (size_t stage = 0; stage < row.stages.size(); ++stage, ++index) {
      auto function = reinterpret_cast<Kernel>(dlsym(library->handle, specs[index].symbol.c_str()));
      if (!function)
        return makeError("dlsym: {}", dlerror());
      library->kernels[row.name].push_back({function, compiled->scratchBytes[index]});
    }
  return library;
}

KernelLibrary::~KernelLibrary() {
  if (handle)
    dlclose(handle);
  if (file >= 0)
    close(file);
}

std::string KernelLibrary::run(const KernelRow &row, Problem &problem, int workers) const {
  std::vector<GuardedBuffer> guarded;
  std::vector<void *> buffers;
  for (const Operand &operand : problem.operands) {
    guarded.emplace_back(operand.bytes.size());
    std::memcpy(guarded.back().data, operand.bytes.data(), operand.bytes.size());
    buffers.push_back(operand.bytes.empty() ? nullptr : guarded.back().data);
  }
  for (const LoadedKernel &kernel : stages(row)) {
    uint32_t taken = 0;
    for (int worker = 0; worker < workers; ++worker) {
      GuardedBuffer scratch(size_t(kernel.scratchBytes));
      KernelArgs args{buffers.data(), problem.dims.data(), scratch.data, worker, workers, &taken};
      kernel.function(&args);
      if (!scratch.intact())
        return "a kernel wrote past its scratch";
    }
  }
  for (size_t i = 0; i < guarded.size(); ++i) {
    if (!guarded[i].intact())
      return fmt::format("a kernel wrote past operand {}", i);
    std::memcpy(problem.operands[i].bytes.data(), guarded[i].data, guarded[i].size);
  }
  return "";
}

} // namespace quipu::cpu::conformance
