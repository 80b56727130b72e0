// Times every row of the kernel table on one core, each stage as worker 0 of 1:
//
//   cpu-kernel-benchmark --benchmark_filter=matmul [--chip=x86-64-v3]
//
// Operands stay in cache, so this is about instructions; `quipu bench` measures models, whose weights come from memory.
#include "test/Conformance/Cpu/KernelHarness.h"

#include <benchmark/benchmark.h>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <optional>

namespace quipu::cpu::conformance {
namespace {

using Memory = std::unique_ptr<uint8_t, decltype(&std::free)>;

Memory aligned(size_t size) {
  return Memory(static_cast<uint8_t *>(std::aligned_alloc(64, (size + 63) / 64 * 64 + 64)), &std::free);
}

// A row's kernels are compiled when its first benchmark runs, so a filter leaves out the others' as well.
class LazyLibrary {
public:
  LazyLibrary(const KernelRow &row, const Chip &chip) : row(row), chip(chip) {}

  const Expected<std::shared_ptr<KernelLibrary>> &get() {
    if (!library)
      library = KernelLibrary::compile({row}, chip);
    return *library;
  }

private:
  const KernelRow &row;
  const Chip &chip;
  std::optional<Expected<std::shared_ptr<KernelLibrary>>> library;
};

void time(benchmark::State &state, LazyLibrary &lazy, const KernelRow &row, int64_t size) {
  if (!lazy.get())
    return state.SkipWithError(lazy.get().error().message.c_str());
  const KernelLibrary &library = **lazy.get();
  const Problem problem = row.make(size);
  std::vector<Memory> memory;
  std::vector<void *> buffers;
  int64_t bytes = 0;
  for (const Operand &operand : problem.operands) {
    memory.push_back(aligned(operand.bytes.size()));
    std::memcpy(memory.back().get(), operand.bytes.data(), operand.bytes.size());
    buffers.push_back(operand.bytes.empty() ? nullptr : memory.back().get());
    bytes += static_cast<int64_t>(operand.bytes.size());
  }
  std::vector<Memory> scratch;
  for (const KernelLibrary::LoadedKernel &kernel : library.stages(row))
    scratch.push_back(aligned(static_cast<size_t>(kernel.scratchBytes)));
  for (auto _ : state)
    for (size_t i = 0; i < scratch.size(); ++i) {
      uint32_t taken = 0;
      KernelArgs args{buffers.data(), problem.dims.data(), scratch[i].get(), 0, 1, &taken};
      library.stages(row)[i].function(&args);
      benchmark::ClobberMemory();
    }
  state.SetBytesProcessed(state.iterations() * bytes);
}

// The value of --chip=NAME, taken out of the arguments.
std::string takeChip(int &argc, char **argv) {
  std::string chip = "cpu";
  int kept = 0;
  for (int i = 0; i < argc; ++i)
    if (std::strncmp(argv[i], "--chip=", 7) == 0)
      chip = argv[i] + 7;
    else
      argv[kept++] = argv[i];
  argc = kept;
  return chip;
}

int run(int argc, char **argv) {
  Expected<Chip> chip = findChip(takeChip(argc, argv));
  if (!chip || !hostRuns(*chip)) {
    fmt::print(stderr, "error: --chip: {}\n", chip ? "this CPU lacks features of " + chip->name : chip.error().message);
    return 2;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  const std::vector<KernelRow> rows = kernelTable(*chip);
  std::deque<LazyLibrary> libraries;
  for (const KernelRow &row : rows) {
    LazyLibrary &library = libraries.emplace_back(row, *chip);
    for (int64_t size : row.sizes)
      benchmark::RegisterBenchmark(fmt::format("{}/{}", row.name, size).c_str(),
                                   [&, size](benchmark::State &state) { time(state, library, row, size); });
  }
  return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 2;
}

} // namespace
} // namespace quipu::cpu::conformance

int main(int argc, char **argv) { return quipu::cpu::conformance::run(argc, argv); }
