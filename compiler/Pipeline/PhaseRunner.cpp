#include "compiler/Pipeline/PhaseRunner.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <chrono>

using namespace mlir;

namespace quipu {
namespace {

// Keeps the first error, hands warnings on and prints nothing: the caller reports both as lines.
class Diagnostics {
public:
  Diagnostics(MLIRContext &context, const OnWarning &warn)
      : handler(&context, [this, &warn](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == DiagnosticSeverity::Error && text.empty())
            text = describe(diagnostic);
          else if (diagnostic.getSeverity() == DiagnosticSeverity::Warning)
            warn(describe(diagnostic));
          return success();
        }) {}

  std::string take(std::string fallback) { return text.empty() ? std::move(fallback) : std::move(text); }

private:
  // One line; the place is left out where the message says it.
  static std::string describe(Diagnostic &diagnostic) {
    std::string message = diagnostic.str(), place = placeOf(diagnostic.getLocation());
    message.resize(std::min(message.find('\n'), message.size()));
    return place.empty() || message.find(place) != std::string::npos ? message : place + ": " + message;
  }

  // A place in a text, or the module of the model that an op belongs to.
  static std::string placeOf(Location location) {
    if (auto place = dyn_cast<FileLineColLoc>(location))
      return llvm::formatv("{0}:{1}:{2}", place.getFilename().getValue(), place.getLine(), place.getColumn());
    if (auto name = dyn_cast<NameLoc>(location))
      return name.getName().str();
    if (auto fused = dyn_cast<FusedLoc>(location))
      return placeOf(fused.getLocations().front());
    return "";
  }

  std::string text;
  ScopedDiagnosticHandler handler;
};

class PassObserver : public PassInstrumentation {
public:
  using Seconds = std::vector<std::pair<std::string, double>>;

  PassObserver(const std::vector<AfterPass> &calls, Seconds &seconds) : calls(calls), seconds(seconds) {}

  void runBeforePass(Pass *, Operation *) override { started.push_back(Clock::now()); }

  void runAfterPass(Pass *pass, Operation *op) override {
    double taken = stop();
    StringRef name = pass->getArgument();
    if (name.empty()) // the adaptor that runs passes on nested ops
      return;
    name.consume_front("lm-");
    seconds.emplace_back(name.str(), taken);
    for (const AfterPass &call : calls)
      call(name, op);
  }

  void runAfterPassFailed(Pass *, Operation *) override { stop(); }

private:
  using Clock = std::chrono::steady_clock;

  double stop() {
    double taken = std::chrono::duration<double>(Clock::now() - started.back()).count();
    started.pop_back();
    return taken;
  }

  const std::vector<AfterPass> &calls;
  Seconds &seconds;
  std::vector<Clock::time_point> started;
};

} // namespace

Expected<> PhaseRunner::runPasses(PassManager &manager, ModuleOp module) {
  manager.addInstrumentation(std::make_unique<PassObserver>(afterPass, seconds));
  Diagnostics error(context, warn);
  if (failed(manager.run(module)))
    return makeError("{}", error.take("a pass failed without saying why"));
  return {};
}

Expected<> PhaseRunner::run(Phase phase, ModuleOp module) {
  PassManager manager(&context, ModuleOp::getOperationName());
  addPhasePasses(phase, manager, options);
  return runPasses(manager, module);
}

Expected<OwningOpRef<ModuleOp>> PhaseRunner::read(Phase phase, const std::string &file) {
  OwningOpRef<ModuleOp> module;
  {
    Diagnostics error(context, warn);
    module = parseSourceFile<ModuleOp>(file, &context);
    if (!module)
      return makeError("{}", error.take(file + ": cannot be read"));
  }
  PassManager manager(&context, ModuleOp::getOperationName());
  addPhaseVerifier(phase, manager);
  if (auto verified = runPasses(manager, *module); !verified)
    return passError(std::move(verified));
  return module;
}

} // namespace quipu
