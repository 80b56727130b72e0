#include "test/Conformance/Gpu/KernelHarness.h"

#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Target/CompileCache.h"
#include "compiler/Target/CompileJobs.h"
#include "runtime/Device/Gpu/LaunchMarks.h"

#include <sys/mman.h>
#include <thread>
#include <utility>

namespace quipu::gpu::conformance {
namespace {

constexpr char symbol[] = "kernel";

// Memory that ends where a page without access begins (but for the bytes that keep it aligned to 16, which are
// checked).
class GuardedBuffer {
public:
  explicit GuardedBuffer(const std::vector<uint8_t> &bytes) : size(bytes.size()) {
    length = (size + 15) / 16 * 16;
    mapped = (length + 4095) / 4096 * 4096 + 4096;
    void *memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    start = static_cast<uint8_t *>(memory);
    mprotect(start + mapped - 4096, 4096, PROT_NONE);
    data = start + mapped - 4096 - length;
    std::memset(start, guardByte, mapped - 4096);
    if (size)
      std::memcpy(data, bytes.data(), size);
  }
  ~GuardedBuffer() {
    if (start)
      munmap(start, mapped);
  }
  GuardedBuffer(GuardedBuffer &&other) noexcept
      : start(other.start), data(other.data), size(other.size), length(other.length), mapped(other.mapped) {
    other.start = nullptr;
  }

  bool intact() const {
    for (const uint8_t *p = start; p < data; ++p)
      if (*p != guardByte)
        return false;
    for (const uint8_t *p = data + size; p < data + length; ++p)
      if (*p != guardByte)
        return false;
    return true;
  }

  static constexpr uint8_t guardByte = 0xa5;
  uint8_t *start, *data;
  size_t size, length, mapped;
};

uint32_t blocksAlong(const GridAxis &axis, const std::array<int64_t, 4> &dims) {
  if (axis.dim == GridAxis::constant)
    return uint32_t(axis.times);
  return uint32_t((dims[size_t(axis.dim)] + axis.divide - 1) / axis.divide * axis.times);
}

} // namespace

Expected<std::shared_ptr<KernelLibrary>> KernelLibrary::compile(const std::vector<KernelRow> &rows, const Chip &chip) {
  auto compiler = simt::HostClang::find();
  if (!compiler)
    return passError(std::move(compiler));
  auto grid = simt::GridRunner::create(std::thread::hardware_concurrency());
  if (!grid)
    return passError(std::move(grid));
  auto library = std::make_shared<KernelLibrary>();
  library->grid = std::move(*grid);
  library->waveWidth = uint32_t(chip.waveWidth);
  std::vector<std::pair<KernelSpec, LoadedKernel *>> jobs;
  for (const KernelRow &row : rows) {
    std::vector<LoadedKernel> &loaded = library->kernels[row.name];
    loaded.resize(row.stages.size());
    for (size_t stage = 0; stage < row.stages.size(); ++stage) {
      jobs.push_back({row.stages[stage], &loaded[stage]});
      jobs.back().first.symbol = symbol;
    }
  }
  CompileCache cache(CompileCache::defaultFolder());
  auto compileOne = [&](size_t i) -> Expected<> {
    auto &[spec, loaded] = jobs[i];
    auto generated = generate(spec, chip);
    if (!generated) {
      loaded->error = generated.error().message;
      return {};
    }
    std::string key = CompileCache::key((*compiler)->identity() + generated->source);
    std::optional<std::string> object = cache.find(key);
    if (!object) {
      auto code = (*compiler)->compile(symbol, generated->source);
      if (!code) {
        loaded->error = code.error().message;
        return {};
      }
      object = std::move(code->native);
      cache.put(key, *object);
    }
    auto image = cpu::CodeImage::load(*object);
    if (!image)
      return passError(std::move(image));
    loaded->generated = std::move(*generated);
    loaded->code = std::move(*image);
    loaded->image = {loaded->code.find(symbol),
                     reinterpret_cast<simt::Thread **(*)()>(loaded->code.find("quipuSimtCurrent"))};
    return {};
  };
  auto result = runCompileJobs(jobs.size(), [&] { return compileOne; }, 0, nullptr, 0);
  if (!result)
    return passError(std::move(result));
  return library;
}

std::string KernelLibrary::run(const KernelRow &row, Problem &problem, int64_t slack) {
  std::vector<GuardedBuffer> guarded;
  std::vector<void *> arguments;
  for (const Operand &operand : problem.operands) {
    guarded.emplace_back(operand.bytes);
    arguments.push_back(operand.bytes.empty() ? nullptr : guarded.back().data);
  }
  std::vector<LoadedKernel> &stages = kernels.at(row.name);
  int64_t scratchBytes = 0;
  for (const LoadedKernel &stage : stages)
    scratchBytes = std::max(scratchBytes, stage.generated.scratchBytes);
  GuardedBuffer scratch(std::vector<uint8_t>(size_t(scratchBytes), 0xff));
  std::array<int32_t, 4> dims;
  std::array<int64_t, 4> gridDims = problem.dims;
  for (size_t i = 0; i < dims.size(); ++i) {
    dims[i] = int32_t(problem.dims[i]);
    gridDims[i] += i == PageStride ? 0 : slack;
  }
  arguments.push_back(dims.data());
  arguments.push_back(scratch.data);
  uint32_t mark = 0;
  arguments.push_back(&mark);
  for (size_t i = 0; i < stages.size(); ++i) {
    if (!stages[i].error.empty())
      return stages[i].error;
    const LaunchGeometry &launch = stages[i].generated.launch;
    auto ran =
        grid->run(stages[i].image, arguments, {uint32_t(launch.threads), waveWidth, uint64_t(launch.sharedBytes)},
                  {blocksAlong(launch.x, gridDims), blocksAlong(launch.y, gridDims), blocksAlong(launch.z, gridDims)});
    if (!ran)
      return fmt::format("stage {}: {}", i, ran.error().message);
    if (std::exchange(mark, 0) != LaunchMarks::Alone)
      return fmt::format("stage {}: has not marked that the kernels before it have ended", i);
  }
  if (!scratch.intact())
    return "a kernel wrote outside its scratch";
  for (size_t i = 0; i < guarded.size(); ++i) {
    if (!guarded[i].intact())
      return fmt::format("a kernel wrote outside operand {}", i);
    if (guarded[i].size)
      std::memcpy(problem.operands[i].bytes.data(), guarded[i].data, guarded[i].size);
  }
  return "";
}

} // namespace quipu::gpu::conformance
