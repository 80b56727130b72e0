#include "compiler/Pipeline/Compile.h"

#include "compiler/Artifact/EmitProgram.h"
#include "compiler/Artifact/PackGeometry.h"
#include "compiler/Pipeline/Definition.h"
#include "compiler/Pipeline/PhaseRunner.h"
#include "compiler/Pipeline/Settings.h"
#include "compiler/Target/Target.h"
#include "compiler/Tuning/TuneKernels.h"
#include "models/import/CheckpointTokenizer.h"
#include "runtime/Artifact/Writer/ArtifactWriter.h"

#include "mlir/IR/AsmState.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <filesystem>

using namespace mlir;

namespace quipu {
namespace {

// The phases a request runs: from the text of `from`, or from the checkpoint, to `to`.
struct PhaseRange {
  std::optional<Phase> from;
  Phase to = Phase::Artifact;
};

Expected<Phase> phaseOf(std::string_view flag, const std::string &name) {
  if (std::optional<Phase> phase = findPhase(name))
    return *phase;
  std::string known;
  for (const PhaseInfo &info : phases)
    known += (known.empty() ? "" : ", ") + std::string(info.name);
  return makeError("{} {}: there is no such phase; they are {}", flag, name, known);
}

Expected<PhaseRange> resolvePhases(const CompileRequest &request) {
  PhaseRange range;
  if (!request.compileTo.empty()) {
    Expected<Phase> to = phaseOf("--compile-to", request.compileTo);
    if (!to)
      return passError(std::move(to));
    range.to = *to;
  }
  if (request.tune && range.to < Phase::Kernels)
    return makeError("--tune: it chooses kernels, and --compile-to {} stops before there are any", request.compileTo);
  if (request.compileFrom.empty())
    return range;
  Expected<Phase> from = phaseOf("--compile-from", request.compileFrom);
  if (!from)
    return passError(std::move(from));
  if (*from > Phase::Kernels)
    return makeError("--compile-from {}: only definition, specialised and kernels have a text to go on from",
                     request.compileFrom);
  if (*from > range.to)
    return makeError("--compile-from {}: that is after --compile-to {}", request.compileFrom, request.compileTo);
  if (*from >= Phase::Specialised && (!request.storage.empty() || !request.storageOf.empty() ||
                                      !request.kvStorage.empty() || !request.disabledPasses.empty()))
    return makeError(
        "--compile-from {}: --storage, --storage-of, --kv-storage and --disable-pass have no effect on what "
        "is already specialised",
        request.compileFrom);
  if (*from == Phase::Kernels &&
      (!request.targets.empty() || request.maxContext || request.maxSequences || request.maxBatchTokens))
    return makeError(
        "--compile-from kernels: targets and limits are those of the text; leave --target and --max-* out");
  range.from = *from;
  return range;
}

// A compile replaces a file of the output's name. That is none the checkpoint is made of.
Expected<> checkOutput(const CompileRequest &request) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path output(request.output), folder = output.has_parent_path() ? output.parent_path() : ".";
  bool isModel = fs::equivalent(output, request.model, error);
  bool isBesideConfig = output.extension() != ".qpu" && fs::exists(output, error) &&
                        fs::is_directory(request.model, error) && fs::equivalent(folder, request.model, error);
  if (isModel || isBesideConfig)
    return makeError("-o {}: is there already and belongs to the checkpoint; give the artifact another name",
                     request.output);
  return {};
}

// The tokenizer's bytes for the artifact; none where the checkpoint has no tokenizer.
Expected<std::string> readTokenizer(const std::string &checkpoint, std::vector<std::string> &warnings) {
  auto tokenizer = models::openTokenizer(checkpoint);
  if (!tokenizer)
    return passError(std::move(tokenizer));
  if (*tokenizer)
    return (*tokenizer)->serialize();
  warnings.push_back(checkpoint + ": has no tokenizer; the artifact takes token ids only");
  return std::string();
}

// One compile, phase after phase.
class Compilation {
public:
  Compilation(const CompileRequest &request, const quantization::ColumnImportance &importance)
      : request(request), importance(importance) {}

  Expected<CompileReport> run() {
    Expected<PhaseRange> resolved = resolvePhases(request);
    if (!resolved)
      return passError(std::move(resolved));
    range = *resolved;
    if (range.to == Phase::Artifact && request.output.empty())
      return makeError("-o OUT.qpu is missing: a compile to the end writes an artifact");
    if (auto writable = checkOutput(request); !writable)
      return passError(std::move(writable));
    if (auto built = buildModule(); !built)
      return passError(std::move(built));
    if (range.to <= Phase::Kernels) {
      llvm::raw_string_ostream stream(report.ir);
      module->print(stream);
      stream << '\n';
      return std::move(report);
    }
    Expected<EmittedProgram> emitted = emitProgram(*module);
    if (!emitted)
      return passError(std::move(emitted));
    auto finished = range.to == Phase::Code ? printCode(*emitted) : writeProgram(*emitted);
    if (!finished)
      return passError(std::move(finished));
    return std::move(report);
  }

private:
  // Adds the seconds since the last call, or since the start, under a name.
  void lap(std::string_view name) {
    auto now = std::chrono::steady_clock::now();
    report.seconds.emplace_back(name, std::chrono::duration<double>(now - lapStart).count());
    lapStart = now;
  }

  // The phases that are passes over the IR.
  Expected<> buildModule() {
    Expected<SourceModel> opened = openModel(request.model);
    if (!opened)
      return passError(std::move(opened));
    source = std::move(*opened);
    report.warnings = source.description.warnings;
    Expected<PhaseOptions> options =
        resolvePhaseOptions(request, *source.checkpoint, source.description, report.warnings);
    if (!options)
      return passError(std::move(options));

    context = createContext();
    PhaseRunner runner(*context, *options);
    runner.onWarning([&](const std::string &warning) { report.warnings.push_back(warning); });
    if (request.printAfterPasses)
      runner.onPass([](StringRef pass, Operation *op) {
        llvm::errs() << "// after " << pass << '\n';
        op->print(llvm::errs());
        llvm::errs() << '\n';
      });
    auto start =
        range.from ? runner.read(*range.from, request.ir) : buildDefinition(source, *context, options->maxContext);
    if (!start)
      return passError(std::move(start));
    module = std::move(*start);
    Phase first = Phase::Definition;
    if (range.from) {
      lap(request.compileFrom);
      first = static_cast<Phase>(static_cast<int>(*range.from) + 1);
    }
    for (Phase phase : {Phase::Definition, Phase::Specialised, Phase::Kernels}) {
      if (phase < first || phase > range.to)
        continue;
      if (auto ran = runner.run(phase, *module); !ran)
        return ran;
      lap(phaseName(phase));
    }
    if (request.tune) {
      Expected<std::vector<TuningReport>> tuned = tuneKernels(*module, request);
      if (!tuned)
        return passError(std::move(tuned));
      report.tuning = std::move(*tuned);
      lap("tuning");
    }
    report.passSeconds = runner.passSeconds();
    return {};
  }

  Expected<> printCode(const EmittedProgram &emitted) {
    for (size_t i = 0; i < emitted.targets.size(); ++i) {
      Expected<std::unique_ptr<Target>> target = findTarget(emitted.program.targets[i]->target);
      if (!target)
        return passError(std::move(target));
      for (const KernelSpec &spec : emitted.targets[i].kernels) {
        Expected<std::string> text = (*target)->print(spec);
        if (!text)
          return passError(std::move(text));
        report.ir += fmt::format("# {} {}: {}\n{}", (*target)->name(), spec.symbol, spec.print(), *text);
      }
    }
    lap(phaseName(Phase::Code));
    return {};
  }

  // Machine code of every kernel of a target, into the contents of the artifact.
  Expected<> compileTarget(const EmittedTarget &emitted, fb::TargetProgramT &target, ArtifactContents &contents) {
    Expected<std::unique_ptr<Target>> backend = findTarget(target.target);
    if (!backend)
      return passError(std::move(backend));
    TargetCompileOptions options;
    options.threads = static_cast<int>(request.threads);
    options.text = request.ptx && target.target.rfind("cuda:", 0) == 0;
    if (request.progress)
      options.progress = [&](size_t done, size_t all) { request.progress("kernels for " + target.target, done, all); };
    Expected<TargetCode> compiled = (*backend)->compile(emitted.kernels, options);
    if (!compiled)
      return passError(std::move(compiled));
    for (size_t i = 0; i < target.kernels.size(); ++i) {
      target.kernels[i]->scratch_bytes = static_cast<uint64_t>(compiled->kernels[i].scratchBytes);
      const KernelCode &code = compiled->kernels[i];
      if (!code.geometry)
        continue;
      target.kernels[i]->geometry = packGeometry(*code.geometry);
      report.gpuKernels.push_back({target.target, emitted.kernels[i].symbol, code.seconds, code.resources});
    }
    report.warnings.insert(report.warnings.end(), compiled->warnings.begin(), compiled->warnings.end());
    target.features = (*backend)->features();
    target.code_section = static_cast<uint32_t>(contents.code.size());
    report.kernels += static_cast<uint32_t>(emitted.kernels.size());
    report.kernelsFromCache += static_cast<uint32_t>(emitted.kernels.size() - compiled->compiled);
    report.codeBytes += compiled->section.size();
    contents.code.push_back(std::move(compiled->section));
    return {};
  }

  void describeModel(fb::ProgramT &program) const {
    fb::ModelT &model = *program.model;
    const models::ModelDescription &description = source.description;
    model.family = description.family;
    model.name = description.architecture;
    model.vocab = static_cast<uint32_t>(description.vocabSize);
    for (const models::TensorSpec &tensor : description.tensors)
      if (tensor.role == models::TensorRole::Embedding)
        model.hidden = static_cast<uint32_t>(tensor.shape.back());
    for (const auto &cache : program.kv_caches)
      model.layers = std::max(model.layers, cache->layer + 1);
    model.context_limit = static_cast<uint32_t>(description.maxPosition);
    model.bos = static_cast<int32_t>(description.bosId.value_or(-1));
    model.eos.assign(description.eosIds.begin(), description.eosIds.end());
    program.compiler = compilerVersion();
    program.checkpoint_digest = source.checkpoint->digest().hex();
  }

  Expected<> writeProgram(EmittedProgram &emitted) {
    ArtifactContents contents;
    for (size_t i = 0; i < emitted.targets.size(); ++i)
      if (auto done = compileTarget(emitted.targets[i], *emitted.program.targets[i], contents); !done)
        return done;
    lap(phaseName(Phase::Code));

    Expected<std::string> tokenizer = readTokenizer(request.model, report.warnings);
    if (!tokenizer)
      return passError(std::move(tokenizer));
    contents.tokenizer = std::move(*tokenizer);
    Expected<std::vector<std::unique_ptr<WeightPacker>>> weights =
        bindWeights(*source.checkpoint, emitted.weights, importance);
    if (!weights)
      return passError(std::move(weights));
    contents.packWeight = [&weights](uint32_t weight, uint64_t begin, std::byte *out, uint64_t bytes) {
      (*weights)[weight]->pack(begin, out, bytes);
      return Expected<>();
    };
    describeModel(emitted.program);
    contents.program = std::move(emitted.program);
    ArtifactWriterOptions options{request.weights, request.threads, {}};
    if (request.progress)
      options.progress = [&](uint64_t done, uint64_t total) { request.progress("weights", done, total); };
    auto written = writeArtifact(request.output, std::move(contents), options);
    lap("weights");
    return written;
  }

  const CompileRequest &request;
  const quantization::ColumnImportance &importance;
  PhaseRange range;
  SourceModel source;
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  CompileReport report;
  std::chrono::steady_clock::time_point lapStart = std::chrono::steady_clock::now();
};

} // namespace

Expected<CompileReport> compile(const CompileRequest &request, const quantization::ColumnImportance &importance) {
  return Compilation(request, importance).run();
}

std::string compilerVersion() { return "quipu " QUIPU_VERSION " with LLVM " LLVM_VERSION_STRING; }

} // namespace quipu
