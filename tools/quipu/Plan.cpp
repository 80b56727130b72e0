#include "tools/quipu/ModelFile.h"

#include <nlohmann/json.hpp>

namespace quipu::tool {
namespace {

struct PlanOptions {
  ModelOptions model;
  bool json = false;
};

Expected<> plan(PlanOptions &options) {
  auto path = artifactOf(options.model.path, options.model.device, Weights::NotNeeded);
  if (!path)
    return passError(std::move(path));
  auto artifact = Artifact::open(*path);
  if (!artifact)
    return passError(std::move(artifact));
  auto opened = openDeviceFor(*artifact, options.model.device);
  if (!opened)
    return passError(std::move(opened));
  LoadOptions load;
  load.maxContext = options.model.maxContext;
  load.maxSequences = options.model.maxSequences;
  load.threads = options.model.threads;
  auto memory = opened->device->plan(*artifact, opened->target, load);
  if (!memory)
    return passError(std::move(memory));

  const std::pair<const char *, uint64_t> parts[] = {{"weights", memory->weights.bytes},
                                                     {"kv", memory->kv.bytes},
                                                     {"activations", memory->activations.bytes},
                                                     {"inputs", memory->inputs.bytes},
                                                     {"outputs", memory->outputs.bytes},
                                                     {"rope_tables", memory->ropeTables.bytes},
                                                     {"scratch", memory->scratch.bytes},
                                                     {"block", memory->blockBytes},
                                                     {"code", memory->code},
                                                     {"total", memory->total}};
  const char *target_name = artifact->program().targets()->Get(opened->target)->target()->c_str();
  if (options.json) {
    nlohmann::ordered_json object = {{"target", target_name},
                                     {"max_context", memory->maxContext},
                                     {"max_sequences", memory->maxSequences},
                                     {"threads", memory->workers}};
    for (auto [name, bytes] : parts)
      object[fmt::format("{}_bytes", name)] = bytes;
    fmt::print("{}\n", object.dump());
    return {};
  }
  fmt::print("{} for {} sequences of {} positions, {} threads; bytes:\n", target_name, memory->maxSequences,
             memory->maxContext, memory->workers);
  for (auto [name, bytes] : parts)
    fmt::print("  {:<12} {:>16}\n", name, bytes);
  return {};
}

} // namespace

void addPlan(CLI::App &app, Action &action) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App *command = app.add_subcommand("plan", "Print the exact bytes a run takes, without loading anything");
  addModelOptions(*command, options->model);
  command->add_flag("--json", options->json, "print one JSON object; every size ends in _bytes");
  command->callback([options, &action] { action = [options] { return plan(*options); }; });
}

} // namespace quipu::tool
