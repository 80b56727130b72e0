#include "compiler/Target/Cpu/CpuTimer.h"

#include "compiler/Target/Cpu/CompileKernels.h"
#include "compiler/Target/Cpu/MatmulProblem.h"
#include "runtime/Device/Cpu/CodeImage.h"
#include "runtime/Device/Cpu/KernelAbi.h"
#include "runtime/Device/Cpu/ThreadPool.h"
#include "runtime/Device/Cpu/Topology.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <unistd.h>

namespace quipu::cpu {
namespace {

using Seconds = std::chrono::duration<double>;

// Bytes that no cache holds a quarter of. The last cache is 256 MiB where the system does not say.
uint64_t coldBytes() {
  long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  uint64_t wanted = 4 * (cache > 0 ? uint64_t(cache) : uint64_t(256) << 20);
  return std::min(wanted, availableMemory() / 4);
}

// "AuthenticAMD 25 17 1 AMD EPYC": chips of one name differ in memory and clocks, and a virtual machine may hide the
// name.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  std::string line, text;
  for (const char *key : {"vendor_id", "cpu family", "model", "model name", "stepping"}) {
    file.clear();
    file.seekg(0);
    while (std::getline(file, line)) {
      size_t colon = line.find(':'), end = line.find_last_not_of(" \t", colon == 0 ? 0 : colon - 1);
      if (colon == std::string::npos || line.substr(0, end + 1) != key)
        continue;
      text += (text.empty() ? "" : " ") + line.substr(std::min(colon + 2, line.size()));
      break;
    }
  }
  return text;
}

struct LoadedKernel {
  Kernel function;
  int64_t scratchBytes;
};

class CpuTrial : public CandidateTimer::Trial {
public:
  CpuTrial(ThreadPool &pool, CodeImage code, std::vector<std::vector<LoadedKernel>> candidates, MatmulProblem problem,
           int64_t rows)
      : pool(pool), code(std::move(code)), candidates(std::move(candidates)), problem(std::move(problem)),
        dims{rows, 1, rows, 1} {}

  // Memory for the workers; launches of microseconds are to be timed by the dozen: waking the workers takes as long.
  Expected<> start() {
    size_t stages = 0;
    for (const std::vector<LoadedKernel> &candidate : candidates) {
      stages = std::max(stages, candidate.size());
      for (const LoadedKernel &kernel : candidate)
        scratchBytes = std::max(scratchBytes, uint64_t(kernel.scratchBytes + 63) / 64 * 64);
    }
    Expected<HugeBlock> block = HugeBlock::allocate(std::max<uint64_t>(1, pool.workers() * scratchBytes));
    if (!block)
      return makeError("--tune: {} bytes of scratch memory cannot be had", pool.workers() * scratchBytes);
    scratch = std::move(*block);
    counters.resize(mostLaunches * stages);
    runLaunches(0, 1);
    double once = std::max(runLaunches(0, 1), 1e-7);
    launches = size_t(std::clamp(2e-4 / once, 1.0, double(mostLaunches)));
    return {};
  }

  double run(size_t candidate) override { return runLaunches(candidate, launches) / double(launches); }

private:
  static constexpr size_t mostLaunches = 64;

  double runLaunches(size_t candidate, size_t count) {
    const std::vector<LoadedKernel> &stages = candidates[candidate];
    std::fill(counters.begin(), counters.end(), Counter());
    auto start = std::chrono::steady_clock::now();
    pool.run([&](uint32_t worker) {
      for (size_t launch = 0; launch < count; ++launch) {
        MatmulProblem::Operands operands = problem.operandsOfTurn(turn + launch);
        for (size_t stage = 0; stage < stages.size(); ++stage) {
          KernelArgs args = {};
          args.buffers = operands.data();
          args.dims = dims;
          args.scratch = scratch.data() + worker * scratchBytes;
          args.worker = int32_t(worker);
          args.workers = int32_t(pool.workers());
          args.taken = &counters[launch * stages.size() + stage].value;
          stages[stage].function(&args);
          pool.barrier();
        }
      }
    });
    double seconds = Seconds(std::chrono::steady_clock::now() - start).count();
    turn += count;
    return seconds;
  }

  struct alignas(64) Counter {
    uint32_t value = 0;
  };

  ThreadPool &pool;
  CodeImage code;
  std::vector<std::vector<LoadedKernel>> candidates;
  MatmulProblem problem;
  int64_t dims[4];
  HugeBlock scratch;
  uint64_t scratchBytes = 0;     // of each worker
  std::vector<Counter> counters; // KernelArgs::taken of each stage of each launch
  uint64_t turn = 0;
  size_t launches = 1; // in one run
};

class CpuTimer : public CandidateTimer {
public:
  CpuTimer(Chip chip, std::unique_ptr<ThreadPool> pool)
      : chip(std::move(chip)), pool(std::move(pool)), coldWeightBytes(coldBytes()) {}

  std::string conditions() const override {
    return fmt::format("{}; {}; {} threads; {}", chip.print(), processor(), pool->workers(), codeGenerator());
  }

  Expected<std::unique_ptr<Trial>> prepare(const std::vector<KernelStages> &candidates, int64_t rows) override {
    // Symbols of the candidates are those of the program, and some are in several candidates.
    std::vector<KernelSpec> specs;
    for (const KernelStages &stages : candidates)
      for (KernelSpec spec : stages) {
        spec.symbol = fmt::format("candidate{}", specs.size());
        specs.push_back(std::move(spec));
      }
    CompileOptions options;
    options.cacheFolder.clear(); // most are never wanted again
    Expected<CompiledKernels> compiled = compileKernels(specs, chip, options);
    if (!compiled)
      return passError(std::move(compiled));
    Expected<CodeImage> code = CodeImage::load(compiled->sharedObject);
    if (!code)
      return makeError("--tune: {}", code.error().message);
    std::vector<std::vector<LoadedKernel>> loaded;
    size_t index = 0;
    for (const KernelStages &stages : candidates) {
      loaded.emplace_back();
      for (size_t stage = 0; stage < stages.size(); ++stage, ++index)
        loaded.back().push_back(
            {reinterpret_cast<Kernel>(code->find(specs[index].symbol)), compiled->scratchBytes[index]});
    }
    Expected<MatmulProblem> problem = MatmulProblem::create(candidates.front(), rows, chip, coldWeightBytes, memory);
    if (!problem)
      return passError(std::move(problem));
    auto trial = std::make_unique<CpuTrial>(*pool, std::move(*code), std::move(loaded), *problem, rows);
    if (Expected<> started = trial->start(); !started)
      return passError(std::move(started));
    return trial;
  }

private:
  Chip chip;
  std::unique_ptr<ThreadPool> pool;
  uint64_t coldWeightBytes;
  ProblemMemory memory;
};

} // namespace

Expected<std::unique_ptr<CandidateTimer>> createTimer(const Chip &chip, unsigned threads) {
  Expected<Chip> host = findChip("cpu");
  if (!host || host->name != chip.name)
    return makeError("kernels for cpu:{} are measured on such a machine, and this one is {}; leave --tune out",
                     chip.name, host ? "cpu:" + host->name : "none that Quipu knows");
  Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::start(threads > 0 ? threads : availableCores());
  if (!pool)
    return passError(std::move(pool));
  return std::make_unique<CpuTimer>(chip, std::move(*pool));
}

} // namespace quipu::cpu
