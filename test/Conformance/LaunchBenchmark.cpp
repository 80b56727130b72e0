// Times the launches of an artifact on their real shapes, one by one, with numbers made up for weights:
//
//   quipu compile MODEL -o m.qpu --weights none
//   launch-benchmark m.qpu [--device=cuda:0] [--threads=2] [--benchmark_filter=attention]
//
// Launches of equal kernels take turns, layer after layer, so that each finds its weights in memory and not in a cache,
// as in a step. Steps are decodes of one, eight and (with --max-sequences 12 of compile) twelve sequences, a prompt,
// and the last part of a long one.
#include "runtime/Engine/Engine.h"

#include <benchmark/benchmark.h>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <map>

namespace quipu {
namespace {

struct Shape {
  uint32_t sequences, tokens; // of each sequence in this step
  uint32_t context;           // positions of each sequence, this step's among them
};

std::string nameOf(const Shape &shape) {
  return fmt::format("sequences:{}/tokens:{}/context:{}", shape.sequences, shape.tokens, shape.context);
}

// Pages in order; the last token of each sequence asks for its row.
Step stepOf(const Shape &shape, const MemoryPlan &plan, uint32_t vocab) {
  Step step;
  step.seqStarts = {0};
  for (uint32_t s = 0; s < shape.sequences; ++s) {
    uint32_t firstPage = s * plan.limits.pageStride;
    for (uint32_t i = 0; i < shape.tokens; ++i) {
      uint32_t position = shape.context - shape.tokens + i;
      step.ids.push_back(static_cast<int32_t>((step.ids.size() * 2654435761u + 7) % vocab));
      step.positions.push_back(static_cast<int32_t>(position));
      step.slots.push_back(static_cast<int32_t>(firstPage * plan.pageSize + position));
    }
    for (uint32_t i = 0; i < plan.limits.pageStride; ++i)
      step.pageTable.push_back(static_cast<int32_t>(firstPage + i));
    step.rows.push_back(static_cast<int32_t>(step.ids.size() - 1));
    step.seqStarts.push_back(static_cast<int32_t>(step.ids.size()));
    step.contextLens.push_back(static_cast<int32_t>(shape.context));
  }
  step.sampling.resize(step.rows.size());
  return step;
}

// The kernels that a launch runs in a step of these dims, by name; empty where it has nothing to do.
std::string kernelsOf(const fb::TargetProgram &target, const fb::Launch &launch, const StepDims &dims) {
  int64_t value = launch.dim() == fb::Dim::none ? 0 : dims[static_cast<size_t>(launch.dim())];
  if (launch.dim() != fb::Dim::none && value == 0)
    return "";
  for (const fb::Variant *variant : *launch.variants()) {
    if (launch.dim() != fb::Dim::none && value > variant->max_value())
      continue;
    std::string names;
    for (const fb::Stage *stage : *variant->stages())
      names += (names.empty() ? "" : "+") + target.kernels()->Get(stage->kernel())->symbol()->str();
    return names;
  }
  return "";
}

// Bytes of weights, and for attention of the cached positions, that one run reads.
int64_t bytesOf(const fb::Program &program, const fb::TargetProgram &target, const fb::Launch &launch,
                const Shape &shape) {
  double bytes = 0;
  bool matmul = launch.op()->str() == "lm.matmul", attention = launch.op()->str() == "lm.cached_attention";
  for (uint32_t operand : *launch.operands()) {
    if (operand == UINT32_MAX)
      continue;
    const fb::Buffer &buffer = *target.buffers()->Get(operand);
    if (matmul && buffer.kind() == fb::BufferKind::weight)
      bytes += static_cast<double>(program.weights()->Get(buffer.index())->bytes());
    if (attention && buffer.kind() == fb::BufferKind::kv_cache) {
      const fb::KvCache &cache = *program.kv_caches()->Get(buffer.index());
      bytes += double(shape.sequences) * shape.context * static_cast<double>(cache.page_bytes()) / cache.page_size();
    }
  }
  return static_cast<int64_t>(bytes);
}

void time(benchmark::State &state, Engine &engine, const Shape &shape, const std::vector<uint32_t> &launches) {
  LoadedProgram &program = engine.loadedProgram();
  const fb::Launch &launch = *program.target().launches()->Get(launches.front());
  size_t turn = 0;
  Expected<void> ran = program.setStep(stepOf(shape, program.plan(), engine.model().vocab()));
  for (auto _ : state) {
    if (ran)
      ran = program.runLaunch(launches[turn++ % launches.size()]);
    if (!ran) {
      state.SkipWithError(ran.error().message.c_str());
      return;
    }
  }
  if (int64_t bytes = bytesOf(engine.artifact().program(), program.target(), launch, shape))
    state.SetBytesProcessed(state.iterations() * bytes);
}

void registerLaunches(Engine &engine, const Shape &shape) {
  const fb::TargetProgram &target = engine.loadedProgram().target();
  StepDims dims = dimsOf(stepOf(shape, engine.plan(), engine.model().vocab()), engine.plan());
  std::map<std::string, std::vector<uint32_t>> byKernels;
  for (uint32_t i = 0; i < target.launches()->size(); ++i)
    if (std::string kernels = kernelsOf(target, *target.launches()->Get(i), dims); !kernels.empty())
      byKernels[kernels].push_back(i);
  for (auto &[kernels, launches] : byKernels)
    benchmark::RegisterBenchmark((kernels + "/" + nameOf(shape)).c_str(), [&engine, shape, launches = launches](
                                                                              benchmark::State &state) {
      time(state, engine, shape, launches);
    })->UseRealTime();
}

// The value of --NAME=VALUE, taken out of the arguments.
std::string take(const char *name, const char *otherwise, int &argc, char **argv) {
  std::string value = otherwise;
  int kept = 0;
  for (int i = 0; i < argc; ++i)
    if (size_t length = std::strlen(name); std::strncmp(argv[i], name, length) == 0)
      value = argv[i] + length;
    else
      argv[kept++] = argv[i];
  argc = kept;
  return value;
}

int run(int argc, char **argv) {
  EngineOptions options;
  options.device = take("--device=", "cpu", argc, argv);
  options.threads = static_cast<uint32_t>(std::strtoul(take("--threads=", "0", argc, argv).c_str(), nullptr, 10));
  options.randomWeights = true;
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    fmt::print(stderr, "usage: launch-benchmark FILE.qpu [--device=NAME] [--threads=N] [--benchmark_filter=...]\n");
    return 2;
  }
  auto engine = Engine::load(argv[1], options);
  if (!engine) {
    fmt::print(stderr, "error: {}\n", engine.error().message);
    return 1;
  }
  const MemoryPlan &plan = (*engine)->plan();
  for (Shape shape : {Shape{1, 1, 512}, {1, 1, 4096}, {8, 1, 512}, {12, 1, 512}, {1, 512, 512}, {1, 512, 4096}})
    if (shape.context <= plan.maxContext && shape.sequences <= plan.maxSequences &&
        shape.sequences * shape.tokens <= plan.limits.tokens)
      registerLaunches(**engine, shape);
  return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 2;
}

} // namespace
} // namespace quipu

int main(int argc, char **argv) { return quipu::run(argc, argv); }
