#include "compiler/Calibration/Calibrate.h"

#include "compiler/Dialect/LM/Transforms/StoragePolicy.h"
#include "compiler/Pipeline/Compile.h"
#include "compiler/Pipeline/Definition.h"
#include "compiler/Pipeline/Settings.h"
#include "compiler/Target/TemporaryFolder.h"
#include "models/import/CheckpointTokenizer.h"
#include "runtime/Device/Device.h"
#include "runtime/Support/MappedFile.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quipu {
namespace {

using quantization::ColumnImportance;

constexpr uint32_t window = 512;    // tokens
constexpr size_t mostWindows = 64;  // more changes the moments little
constexpr double leastShare = 1e-4; // of the mean: no column is worth nothing, for another text may use it

// Sums of squares by column of what a matrix reads.
struct Moments {
  std::vector<double> squares;
  size_t rows = 0;

  void add(const std::vector<float> &values, size_t columns) {
    squares.resize(columns);
    for (size_t i = 0; i < values.size(); ++i)
      squares[i % columns] += double(values[i]) * values[i];
    rows += values.size() / columns;
  }
  std::vector<float> importance() const {
    double mean = std::accumulate(squares.begin(), squares.end(), 0.0) / double(squares.size());
    std::vector<float> result;
    for (double sum : squares)
      result.push_back(mean > 0 ? float((sum + leastShare * mean) / double(rows)) : 1.0f);
    return result;
  }
};

Expected<std::vector<std::vector<int32_t>>> readWindows(const CompileRequest &request) {
  auto tokenizer = models::openTokenizer(request.model);
  if (!tokenizer)
    return passError(std::move(tokenizer));
  if (!*tokenizer)
    return makeError("--calibrate {}: {} has no tokenizer, so it cannot read a text", request.calibrate, request.model);
  auto file = MappedFile::open(request.calibrate);
  if (!file)
    return makeError("--calibrate {}", file.error().message);
  std::string text(reinterpret_cast<const char *>(file->data()), file->size());
  auto ids = (*tokenizer)->encode(text, {/*addSpecialTokens=*/true, /*parseSpecialTokens=*/false});
  if (!ids)
    return makeError("--calibrate {}: {}", request.calibrate, ids.error().message);
  if (ids->size() < 2)
    return makeError("--calibrate {}: the text is empty", request.calibrate);
  std::vector<std::vector<int32_t>> windows;
  for (size_t at = 0; at < ids->size() && windows.size() < mostWindows; at += window) {
    auto begin = ids->begin() + ptrdiff_t(at);
    windows.emplace_back(begin, begin + ptrdiff_t(std::min<size_t>(window, ids->size() - at)));
    if ((*tokenizer)->bos() >= 0)
      windows.back()[0] = (*tokenizer)->bos();
  }
  return windows;
}

// One sequence from its start, in the first pages; logits of as many of its last tokens as a step gives.
Step stepOf(const std::vector<int32_t> &tokens, const MemoryPlan &plan) {
  Step step;
  auto count = int32_t(tokens.size());
  step.ids = tokens;
  step.positions.resize(tokens.size());
  std::iota(step.positions.begin(), step.positions.end(), 0);
  step.slots = step.positions;
  step.seqStarts = {0, count};
  step.contextLens = {count};
  step.pageTable.resize(plan.limits.pageStride);
  std::iota(step.pageTable.begin(), step.pageTable.end(), 0);
  for (int32_t row = count - int32_t(std::min<uint64_t>(uint64_t(count), plan.limits.rows)); row < count; ++row)
    step.rows.push_back(row);
  step.sampling.resize(step.rows.size());
  return step;
}

// A program whose matmuls read their input as it is: the norm before them is a launch of its own.
class Observation {
public:
  Observation(const Artifact &artifact, LoadedProgram &program) : artifact(artifact), program(program) {}

  Expected<> run(const std::vector<int32_t> &tokens) {
    Step step = stepOf(tokens, program.plan());
    if (auto set = program.setStep(step); !set)
      return set;
    const auto &launches = *program.target().launches();
    for (uint32_t i = 0; i < launches.size(); ++i) {
      if (launches.Get(i)->op()->string_view() == "lm.matmul")
        if (auto seen = observe(*launches.Get(i), step); !seen)
          return seen;
      if (auto ran = program.runLaunch(i); !ran)
        return ran;
    }
    return {};
  }

  // Names of joined tensors are apart by '+'.
  Expected<ColumnImportance> importance() const {
    ColumnImportance result;
    for (const auto &[name, moments] : byWeight) {
      std::vector<float> values = moments.importance();
      if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
        return makeError("what {} reads are not numbers; `quipu verify` names the first launch at fault", name);
      for (size_t begin = 0, end; begin < name.size(); begin = end + 1) {
        end = std::min(name.find('+', begin), name.size());
        std::string piece = name.substr(begin, end - begin);
        result[piece.substr(0, piece.find(' '))] = values; // without what is done to the tensor
      }
    }
    return result;
  }

private:
  // Operands are x, gain, weight, ...
  Expected<> observe(const fb::Launch &launch, const Step &step) {
    const auto &buffers = *program.target().buffers();
    const fb::Buffer &weight = *buffers.Get(launch.operands()->Get(2));
    uint32_t x = launch.operands()->Get(0);
    const fb::Buffer &input = *buffers.Get(x);
    size_t rows = input.rows() == fb::Dim::rows ? step.rows.size() : step.ids.size();
    std::vector<float> values(rows * input.columns());
    if (auto read = program.read(x, 0, values.data(), values.size() * sizeof(float)); !read)
      return read;
    byWeight[artifact.program().weights()->Get(weight.index())->name()->str()].add(values, input.columns());
    return {};
  }

  const Artifact &artifact;
  LoadedProgram &program;
  std::map<std::string, Moments> byWeight;
};

} // namespace

// What the compile after the calibration would refuse, before the model runs over the text.
static Expected<> checkRequest(const CompileRequest &request) {
  if (request.storage.empty() && request.storageOf.empty())
    return makeError("--calibrate {}: it weighs the rounding to --storage or --storage-of, and neither is given",
                     request.calibrate);
  auto source = openModel(request.model);
  if (!source)
    return passError(std::move(source));
  std::vector<std::string> warnings;
  auto options = resolvePhaseOptions(request, *source->checkpoint, source->description, warnings);
  if (!options)
    return passError(std::move(options));
  auto policy = lm::StoragePolicy::create(options->storage, options->storageOf);
  if (policy && !policy->asksForBlocks())
    return makeError("--calibrate {}: only the rounding to blocks is weighed, such as --storage q4_0",
                     request.calibrate);
  return {};
}

Expected<ColumnImportance> calibrate(const CompileRequest &request) {
  if (auto checked = checkRequest(request); !checked)
    return passError(std::move(checked));
  auto windows = readWindows(request);
  if (!windows)
    return passError(std::move(windows));
  auto folder = TemporaryFolder::create();
  if (!folder)
    return passError(std::move(folder));
  CompileRequest plain;
  plain.model = request.model;
  plain.output = folder->path("model.qpu");
  plain.targets = {"cpu"};
  plain.disabledPasses = {"fuse-norm-matmul"};
  plain.maxContext = 0;
  plain.maxSequences = 1;
  plain.maxBatchTokens = window;
  plain.threads = request.threads;
  if (auto compiled = compile(plain); !compiled)
    return passError(std::move(compiled));
  auto artifact = Artifact::open(plain.output);
  if (!artifact)
    return passError(std::move(artifact));
  auto opened = openDeviceFor(*artifact, "cpu");
  if (!opened)
    return passError(std::move(opened));
  auto program = opened->device->load(*artifact, opened->target, {});
  if (!program)
    return passError(std::move(program));

  Observation observation(*artifact, **program);
  uint32_t context = (*program)->plan().maxContext;
  for (size_t i = 0; i < windows->size(); ++i) {
    if (request.progress)
      request.progress("calibrating", i, windows->size());
    std::vector<int32_t> &tokens = (*windows)[i];
    tokens.resize(std::min<size_t>(tokens.size(), context));
    if (auto ran = observation.run(tokens); !ran)
      return passError(std::move(ran));
  }
  return observation.importance();
}

} // namespace quipu
