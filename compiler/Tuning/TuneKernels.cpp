#include "compiler/Tuning/TuneKernels.h"

#include "compiler/Conversion/KernelDefs/KernelDefs.h"
#include "compiler/Target/Target.h"
#include "compiler/Tuning/Tuner.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringSet.h"

#include <algorithm>
#include <map>

using namespace mlir;

namespace quipu {
namespace {

constexpr size_t mostFindings = 4096;
// Kernels for many tokens are as fast at this many as at more, and more would take long to measure.
constexpr int64_t mostRows = 512;

// One thing to choose: stages for a number of rows, and the variants that run them.
struct Choice {
  std::vector<KernelStages> candidates; // the first is the program's
  int64_t rows;
  std::vector<std::pair<kernel::LaunchOp, size_t>> users; // launch and number of the variant
};

std::string symbolsOf(const KernelStages &stages) {
  std::string text;
  for (const KernelSpec &spec : stages)
    text += (text.empty() ? "" : " then ") + spec.symbol;
  return text;
}

// The choices of one kernel.program.
class ProgramTuning {
public:
  ProgramTuning(kernel::ProgramOp program, const Target &target) : program(program), target(target) {}

  Expected<> findChoices() {
    for (auto def : program.getOps<kernel::DefOp>()) {
      Expected<KernelSpec> spec = specOf(def);
      if (!spec)
        return passError(std::move(spec));
      specs[def.getSymName()] = std::move(*spec);
    }
    std::map<std::pair<std::string, int64_t>, size_t> known;
    for (auto launch : program.getOps<kernel::LaunchOp>()) {
      int64_t below = 0, limit = largest(launch.getDim());
      for (auto [number, variant] : llvm::enumerate(launch.getVariants().getAsRange<kernel::VariantAttr>())) {
        int64_t rows = std::min<int64_t>(variant.getMaxValue(), limit);
        if (rows <= below)
          break; // no step comes here
        below = rows;
        KernelStages stages = stagesOf(variant);
        auto [entry, isNew] = known.try_emplace({symbolsOf(stages), rows}, choices.size());
        if (isNew) {
          choices.push_back({{stages}, rows, {}});
          for (KernelStages &other : target.choice().alternatives(stages, rows))
            choices.back().candidates.push_back(std::move(other));
        }
        choices[entry->second].users.emplace_back(launch, number);
      }
    }
    choices.erase(std::remove_if(choices.begin(), choices.end(),
                                 [](const Choice &choice) { return choice.candidates.size() < 2; }),
                  choices.end());
    return {};
  }

  void take(const Choice &choice, size_t candidate) {
    if (candidate == 0)
      return;
    SmallVector<FlatSymbolRefAttr> stages;
    for (const KernelSpec &spec : choice.candidates[candidate])
      stages.push_back(define(spec));
    for (auto [launch, number] : choice.users) {
      SmallVector<Attribute> variants(launch.getVariants().getValue());
      auto variant = cast<kernel::VariantAttr>(variants[number]);
      variants[number] = kernel::VariantAttr::get(program.getContext(), variant.getMaxValue(), stages);
      launch.setVariantsAttr(ArrayAttr::get(program.getContext(), variants));
    }
  }

  void removeUnused() {
    llvm::StringSet<> used;
    for (auto launch : program.getOps<kernel::LaunchOp>())
      for (auto variant : launch.getVariants().getAsRange<kernel::VariantAttr>())
        for (FlatSymbolRefAttr stage : variant.getStages())
          used.insert(stage.getValue());
    for (auto def : llvm::make_early_inc_range(program.getOps<kernel::DefOp>()))
      if (!used.contains(def.getSymName()))
        def.erase();
  }

  kernel::ProgramOp program;
  std::vector<Choice> choices;

private:
  // Rows of a launch that are worth measuring. Few logits are asked for but of each sequence.
  int64_t largest(kernel::Dim dim) {
    int64_t most = dim == kernel::Dim::Rows ? program.getMaxSequences() : program.getLimit(dim, /*pageSize=*/1);
    return std::min(most, mostRows);
  }

  KernelStages stagesOf(kernel::VariantAttr variant) const {
    KernelStages stages;
    for (FlatSymbolRefAttr stage : variant.getStages())
      stages.push_back(specs.lookup(stage.getValue()));
    return stages;
  }

  // The kernel.def of a specification; a new one stands behind the others.
  FlatSymbolRefAttr define(const KernelSpec &spec) {
    Operation *last = nullptr;
    for (auto def : program.getOps<kernel::DefOp>()) {
      last = def;
      const KernelSpec &known = specs[def.getSymName()];
      if (known.print() == spec.print())
        return FlatSymbolRefAttr::get(def.getSymNameAttr());
    }
    std::string symbol = spec.symbol;
    for (int count = 2; specs.count(symbol); ++count)
      symbol = spec.symbol + "_v" + std::to_string(count);
    OpBuilder builder(program.getContext());
    builder.setInsertionPointAfter(last);
    kernel::DefOp::create(builder, program.getLoc(), symbol, spec.generator, attributesOf(builder, spec.params));
    specs[symbol] = spec;
    return FlatSymbolRefAttr::get(program.getContext(), symbol);
  }

  const Target &target;
  llvm::StringMap<KernelSpec> specs;
};

struct TargetTuning {
  std::unique_ptr<Target> target;
  std::unique_ptr<CandidateTimer> timer;
  ProgramTuning tuning;
};

// Every target is looked at before anything is measured.
Expected<std::vector<TargetTuning>> prepare(ModuleOp module, unsigned threads) {
  std::vector<TargetTuning> all;
  for (auto program : module.getOps<kernel::ProgramOp>()) {
    Expected<std::unique_ptr<Target>> target = findTarget(program.getTarget().str());
    if (!target)
      return passError(std::move(target));
    Expected<std::unique_ptr<CandidateTimer>> timer = (*target)->timer(threads);
    if (!timer)
      return makeError("--tune: {}", timer.error().message);
    ProgramTuning tuning(program, **target);
    if (auto found = tuning.findChoices(); !found)
      return passError(std::move(found));
    all.push_back({std::move(*target), std::move(*timer), std::move(tuning)});
  }
  return all;
}

} // namespace

Expected<std::vector<TuningReport>> tuneKernels(ModuleOp module, const CompileRequest &request) {
  Expected<std::vector<TargetTuning>> targets = prepare(module, request.threads);
  if (!targets)
    return passError(std::move(targets));
  size_t done = 0, all = 0;
  for (const TargetTuning &target : *targets)
    all += target.tuning.choices.size();
  CompileCache findings(CompileCache::defaultFolder(), "tuning");
  std::vector<TuningReport> reports;
  for (TargetTuning &target : *targets) {
    Tuner tuner(*target.timer, findings);
    for (const Choice &choice : target.tuning.choices) {
      if (request.progress)
        request.progress("tuning kernels", done++, all);
      Expected<TunedChoice> chosen = tuner.choose(choice.candidates, choice.rows);
      if (!chosen)
        return passError(std::move(chosen));
      target.tuning.take(choice, chosen->candidate);
      reports.push_back({target.target->name(), symbolsOf(choice.candidates.front()),
                         symbolsOf(choice.candidates[chosen->candidate]), choice.rows, chosen->gain, chosen->measured});
    }
    target.tuning.removeUnused();
  }
  findings.keepNewest(mostFindings);
  if (failed(verify(module)))
    return makeError("--tune made a program that does not hold together");
  return reports;
}

} // namespace quipu
