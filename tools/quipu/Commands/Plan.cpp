#include "tools/quipu/Json.h"
#include "tools/quipu/ModelFile.h"

#include <fmt/ranges.h>
#include <optional>

namespace quipu::tool {
namespace {

struct PlanOptions {
  ModelOptions model;
  std::string target;
  bool json = false;
};

// A target of the artifact, its plan, and what its device has free where that is here.
struct TargetPlan {
  std::string target;
  MemoryPlan memory;
  std::optional<uint64_t> free;
};

LoadOptions loadOptions(const ModelOptions &options) {
  LoadOptions load;
  load.maxContext = options.maxContext;
  load.maxSequences = options.maxSequences;
  load.threads = options.threads;
  load.randomWeights = options.randomWeights;
  return load;
}

std::string targetName(const Artifact &artifact, uint32_t target) {
  return artifact.program().targets()->Get(target)->target()->str();
}

// For targets whose devices need not be here.
Expected<std::vector<TargetPlan>> planTargets(const Artifact &artifact, const PlanOptions &options) {
  std::vector<TargetPlan> plans;
  std::vector<std::string> names;
  for (uint32_t i = 0; i < artifact.program().targets()->size(); ++i) {
    names.push_back(targetName(artifact, i));
    if (options.target != "all" && options.target != names.back())
      continue;
    auto memory = planTarget(artifact, i, loadOptions(options.model));
    if (!memory)
      return passError(std::move(memory));
    plans.push_back({names.back(), std::move(*memory), std::nullopt});
  }
  if (plans.empty())
    return makeError("--target {}: {} has {}", options.target, artifact.path(), fmt::join(names, ", "));
  return plans;
}

// For the target that the device would take.
Expected<std::vector<TargetPlan>> planDevice(const Artifact &artifact, const PlanOptions &options) {
  auto opened = openDeviceFor(artifact, options.model.device);
  if (!opened)
    return passError(std::move(opened));
  auto memory = opened->device->plan(artifact, opened->target, loadOptions(options.model));
  if (!memory)
    return passError(std::move(memory));
  auto free = opened->device->freeMemory();
  if (!free)
    return passError(std::move(free));
  std::vector<TargetPlan> plans;
  plans.push_back({targetName(artifact, opened->target), std::move(*memory), *free});
  return plans;
}

std::vector<std::pair<const char *, uint64_t>> partsOf(const MemoryPlan &memory) {
  return {
      {"weights", memory.weights.bytes}, {"kv", memory.kv.bytes},           {"activations", memory.activations.bytes},
      {"inputs", memory.inputs.bytes},   {"outputs", memory.outputs.bytes}, {"rope_tables", memory.ropeTables.bytes},
      {"scratch", memory.scratch.bytes}, {"block", memory.blockBytes},      {"code", memory.code},
      {"total", memory.total},           {"staging", memory.staging}};
}

nlohmann::ordered_json toJson(const TargetPlan &plan) {
  nlohmann::ordered_json object = {{"target", plan.target},
                                   {"max_context", plan.memory.maxContext},
                                   {"max_sequences", plan.memory.maxSequences},
                                   {"threads", plan.memory.workers}};
  for (auto [name, bytes] : partsOf(plan.memory))
    object[fmt::format("{}_bytes", name)] = bytes;
  return object;
}

// Kernels of a GPU have no worker threads of the host.
std::string threadsOf(const TargetPlan &plan) {
  if (plan.target.rfind("cpu:", 0) != 0)
    return "";
  return fmt::format(", {} thread{}", plan.memory.workers, plan.memory.workers == 1 ? "" : "s");
}

void print(const TargetPlan &plan) {
  fmt::print("{} for {} sequence{} of {} positions{}; bytes:\n", plan.target, plan.memory.maxSequences,
             plan.memory.maxSequences == 1 ? "" : "s", plan.memory.maxContext, threadsOf(plan));
  for (auto [name, bytes] : partsOf(plan.memory))
    if (std::string_view(name) != "staging")
      fmt::print("  {:<12} {:>16}\n", name, bytes);
    else if (bytes)
      fmt::print("  {:<12} {:>16}  of the host, pinned; most of it while weights are loaded\n", name, bytes);
}

Expected<> plan(PlanOptions &options) {
  auto path = artifactOf(options.model.path, options.model.device, Weights::NotNeeded);
  if (!path)
    return passError(std::move(path));
  auto artifact = Artifact::open(*path);
  if (!artifact)
    return passError(std::move(artifact));
  auto plans = options.target.empty() ? planDevice(*artifact, options) : planTargets(*artifact, options);
  if (!plans)
    return passError(std::move(plans));
  if (options.json && options.target == "all") {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const TargetPlan &plan : *plans)
      list.push_back(toJson(plan));
    fmt::print("{}\n", jsonText(list));
    return {};
  }
  for (const TargetPlan &plan : *plans)
    if (options.json)
      fmt::print("{}\n", jsonText(toJson(plan)));
    else
      print(plan);
  const TargetPlan &first = plans->front();
  return first.free ? checkMemory(first.memory, *first.free, *path, options.model.device, options.model.mapWeights)
                    : Expected<>();
}

} // namespace

void addPlan(CLI::App &app, Action &action) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App *command = app.add_subcommand("plan", "Print the exact bytes a run takes, without loading anything");
  addModelOptions(*command, options->model);
  command
      ->add_option("--target", options->target,
                   "plan for this target of the artifact, whose device need not be here, or for all of them")
      ->type_name("TARGET|all");
  command->add_flag("--json", options->json,
                    "print one JSON object; every size ends in _bytes (with --target all a list of them)");
  command->callback([options, &action] { action = [options] { return plan(*options); }; });
}

} // namespace quipu::tool
