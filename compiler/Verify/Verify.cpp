#include "compiler/Verify/Verify.h"
#include "compiler/Pipeline/Compile.h"
#include "compiler/Pipeline/Definition.h"
#include "compiler/Pipeline/PhaseRunner.h"
#include "compiler/Pipeline/Settings.h"
#include "compiler/Reference/CheckpointWeights.h"
#include "compiler/Target/TemporaryFolder.h"
#include "compiler/Verify/DeviceRoutes.h"
#include "compiler/Verify/LaunchCheck.h"
#include "compiler/Verify/Script.h"
#include "runtime/Artifact/StorageFormat.h"

namespace quipu {
namespace {

using namespace verify;

// A launch's operands are exact: float32 sums differ from float64 ones by roundings, and bf16 matmuls round their input
// as well (2^-9 of each value). So does attention over such a cache with queries and softmax weights, and scores are
// exponentiated. Weights in blocks are multiplied by an input of eight bits, and gate and up by each other. Logits
// gather the errors of all layers. An int8 cache holds each value to 2^-8 of the largest beside it, twice as coarse as
// bf16, and the queries are rounded likewise; a trained model with eight features a head shows the most of it.
Tolerances tolerancesOf(const PhaseOptions &options, bool isQuantised) {
  bool f32 = options.allF32, f32Cache = options.kvStorage == "f32", int8Cache = options.kvStorage == "i8";
  double launch = f32 ? 2e-5 : isQuantised ? 3e-2 : 1e-2, cache = f32Cache && f32 ? 2e-5 : 1e-2;
  double attention = f32Cache ? launch : int8Cache ? 1.5e-1 : 5e-2;
  return {launch, attention, cache, f32 && f32Cache ? 1e-4 : int8Cache ? 1e-1 : 3e-2};
}

// What a device gave for the asked rows of a step.
struct StepLogits {
  ScriptStep step;
  std::vector<float> logits;
};

class Verification {
public:
  explicit Verification(const VerifyRequest &request) : request(request) {}

  Expected<VerifyReport> run() {
    if (auto prepared = prepare(); !prepared)
      return passError(std::move(prepared));
    if (auto checked = checkPasses(); !checked)
      return passError(std::move(checked));
    if (auto checked = checkDevice(); !checked)
      return passError(std::move(checked));
    return std::move(report);
  }

private:
  void progress(const std::string &what, size_t done, size_t total) {
    if (request.progress)
      request.progress(what, done, total);
  }

  Expected<> prepare() {
    std::string backend = request.target.substr(0, request.target.find(':'));
    std::string device = request.device.substr(0, request.device.find(':'));
    if (!backend.empty() && device != backend && device != "auto" && device != "null")
      return makeError("--target {} runs on --device {}, not on {}", request.target, backend, request.device);
    auto opened = openModel(request.model);
    if (!opened)
      return passError(std::move(opened));
    source = std::move(*opened);
    std::vector<std::string> warnings;
    auto resolved = resolvePhaseOptions(compileRequest(), *source.checkpoint, source.description, warnings);
    if (!resolved)
      return passError(std::move(resolved));
    options = *resolved;
    for (int32_t id : request.promptIds)
      if (id < 0 || id >= source.description.vocabSize)
        return makeError("--prompt-ids: {} is outside the vocabulary of {}", id, source.description.vocabSize);
    if (static_cast<int64_t>(request.promptIds.size()) > std::min(options.maxContext, options.maxBatchTokens - 8))
      return makeError("--prompt-ids: {} ids are more than a step takes", request.promptIds.size());
    script = makeScript(request.promptIds, source.description.vocabSize, options.maxContext);
    weights = std::make_unique<reference::CheckpointWeights>(*source.checkpoint);
    return {};
  }

  CompileRequest compileRequest() const {
    CompileRequest compile;
    static_cast<StorageChoice &>(compile) = request;
    compile.model = request.model;
    if (!request.target.empty())
      compile.targets.push_back(request.target);
    compile.disabledPasses = request.disabledPasses;
    return compile;
  }

  lm::FuncOp function() { return *module->getOps<lm::FuncOp>().begin(); }

  // Logits of the first sequence, by the reference on the IR as it is, with the definition's choices of experts.
  Expected<reference::Tensor> evaluateNow() {
    reference::RouteChoices routes = definitionRoutes;
    routes.given = true;
    return reference::evaluateLogits(function(), *weights, script.tokens[0], &routes);
  }

  // What a pass may change: the types values are stored in, and nothing else.
  double toleranceOf(llvm::StringRef pass) {
    if (pass == "quantize-weights") // four bits move the logits of a small model by as much as they are large
      return options.allF32 ? 1e-5 : isQuantised() ? 1.0 : 3e-2;
    if (pass == "insert-kv-cache")
      return options.kvStorage == "f32" ? 1e-5 : options.kvStorage == "i8" ? 1e-1 : 3e-2;
    return 1e-9;
  }

  // Whether some weight is stored in blocks.
  bool isQuantised() {
    auto isBlocked = [](mlir::Operation &op) {
      if (!mlir::isa<lm::WeightOp, lm::WeightStackOp>(op))
        return false;
      auto type = mlir::cast<mlir::RankedTensorType>(op.getResult(0).getType());
      return lm::getStorageFormat(type.getElementType())->isBlocked();
    };
    return llvm::any_of(function().getBody().getOps(), isBlocked);
  }

  Expected<> checkPasses() {
    context = createContext();
    auto built = buildDefinition(source, *context, options.maxContext);
    if (!built)
      return passError(std::move(built));
    module = std::move(*built);
    if (auto defined = evaluateDefinition(); !defined)
      return defined;

    reference::Tensor before = definition[0];
    Expected<> status;
    PhaseRunner runner(*context, options);
    runner.onPass([&](llvm::StringRef pass, mlir::Operation *) {
      if (!status || pass.starts_with("verify-"))
        return;
      progress("evaluating after " + pass.str(), 0, 0);
      auto after = evaluateNow();
      if (!after) {
        status = makeError("after pass {}: {}", pass.str(), after.error().message);
        return;
      }
      report.passes.push_back({pass.str(), "",
                               relativeError(after->data.data(), before.data.data(), before.data.size()),
                               toleranceOf(pass)});
      before = std::move(*after);
      // What follows is held to the model with its weights as they are stored: quantisation is no error of a kernel.
      if (pass == "quantize-weights" && isQuantised()) {
        status = evaluateDefinition();
        before = definition[0];
      }
    });
    for (Phase phase : {Phase::Definition, Phase::Specialised})
      if (auto ran = runner.run(phase, *module); !ran)
        return ran;
    return status;
  }

  // Logits at every position of every sequence, in the plain form.
  Expected<> evaluateDefinition() {
    plain = module->clone();
    definition.clear();
    for (const std::vector<int32_t> &tokens : script.tokens) {
      progress("evaluating the definition", definition.size(), script.tokens.size());
      reference::RouteChoices routes;
      auto logits = reference::evaluateLogits(function(), *weights, tokens, &routes);
      if (!logits)
        return passError(std::move(logits));
      if (definition.empty())
        definitionRoutes = std::move(routes);
      definition.push_back(std::move(*logits));
    }
    return {};
  }

  Expected<> checkDevice() {
    auto folder = TemporaryFolder::create();
    if (!folder)
      return passError(std::move(folder));
    CompileRequest whole = compileRequest();
    whole.output = folder->path("model.qpu");
    if (auto compiled = compile(whole); !compiled)
      return passError(std::move(compiled));
    auto artifact = Artifact::open(whole.output);
    if (!artifact)
      return passError(std::move(artifact));
    auto opened = openDeviceFor(*artifact, request.device);
    if (!opened)
      return passError(std::move(opened));
    LoadOptions load;
    load.threads = request.threads;
    auto program = opened->device->load(*artifact, opened->target, load);
    if (!program)
      return passError(std::move(program));
    if (auto checked = checkLaunches(**program, *artifact); !checked)
      return checked;
    return checkLogits(**program);
  }

  Expected<> checkLaunches(LoadedProgram &program, const Artifact &artifact) {
    LaunchCheck check(program, artifact, tolerancesOf(options, isQuantised()));
    reference::Caches caches;
    std::vector<int32_t> done(script.tokens.size());
    for (size_t i = 0; i < script.steps.size(); ++i) {
      progress("checking launches", i, script.steps.size());
      ScriptStep step = takeStep(script, i, done);
      if (auto ran = check.run(function(), *weights, step.inputs, deviceStep(step, program.plan()), caches); !ran)
        return ran;
    }
    report.launches = check.lines();
    return {};
  }

  // The steps once more, as a server would run them.
  Expected<> checkLogits(LoadedProgram &program) {
    std::vector<int32_t> done(script.tokens.size());
    uint32_t vocab = program.model().vocab();
    DeviceRoutes routes(program, script.tokens.size());
    std::vector<StepLogits> steps;
    for (size_t i = 0; i < script.steps.size(); ++i) {
      StepLogits &result = steps.emplace_back(StepLogits{takeStep(script, i, done), {}});
      const ScriptStep &step = result.step;
      if (auto set = program.setStep(deviceStep(step, program.plan())); !set)
        return set;
      // The checks of launches left the reference's logits in the buffer.
      std::vector<float> &logits = result.logits;
      logits.assign(step.asked.size() * vocab, std::numeric_limits<float>::quiet_NaN());
      if (auto spoiled =
              program.write(program.outputBuffer(StepOutput::Logits), 0, logits.data(), logits.size() * sizeof(float));
          !spoiled)
        return spoiled;
      if (auto ran = program.run(); !ran)
        return ran;
      if (auto read =
              program.read(program.outputBuffer(StepOutput::Logits), 0, logits.data(), logits.size() * sizeof(float));
          !read)
        return read;
      if (routes.any())
        if (auto recorded = routes.record(step.inputs); !recorded)
          return recorded;
    }
    if (routes.any())
      if (auto evaluated = evaluateWith(routes); !evaluated)
        return evaluated;
    for (size_t i = 0; i < steps.size(); ++i)
      compareLogits(i, steps[i], vocab);
    return {};
  }

  // The definition again, with the device's choices of experts.
  Expected<> evaluateWith(DeviceRoutes &routes) {
    lm::FuncOp function = *plain->getOps<lm::FuncOp>().begin();
    for (size_t sequence = 0; sequence < script.tokens.size(); ++sequence) {
      progress("evaluating the definition", sequence, script.tokens.size());
      auto logits = reference::evaluateLogits(function, *weights, script.tokens[sequence], &routes.of(sequence));
      if (!logits)
        return passError(std::move(logits));
      definition[sequence] = std::move(*logits);
    }
    return {};
  }

  void compareLogits(size_t index, const StepLogits &result, uint32_t vocab) {
    for (size_t row = 0; row < result.step.asked.size(); ++row) {
      auto [sequence, position] = result.step.asked[row];
      const float *logits = result.logits.data() + row * vocab;
      report.logits.push_back({fmt::format("step {}, sequence {}, position {}", index, sequence, position), "",
                               relativeError(logits, definition[sequence].row(position), vocab),
                               tolerancesOf(options, isQuantised()).logits});
    }
  }

  const VerifyRequest &request;
  SourceModel source;
  PhaseOptions options;
  Script script;
  std::unique_ptr<reference::CheckpointWeights> weights;
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module; // destroyed before its context
  mlir::OwningOpRef<mlir::ModuleOp> plain;  // the definition, with its weights as they are stored
  std::vector<reference::Tensor> definition;
  reference::RouteChoices definitionRoutes; // of the first sequence
  VerifyReport report;
};

} // namespace

Expected<VerifyReport> verifyModel(const VerifyRequest &request) { return Verification(request).run(); }

} // namespace quipu
