// quipu conformance: the kernels of a conformance artifact on a device, each against what the reference computed when
// the artifact was made. It needs no compiler, so it is how a machine with a GPU and nothing else is tested.
#include "runtime/Device/RunCheck.h"
#include "tools/quipu/Command.h"
#include "tools/quipu/Json.h"
#include "tools/quipu/Progress.h"

#include "runtime/Artifact/ProgramChecks.h"

namespace quipu::tool {
namespace {

struct ConformanceOptions {
  std::string path, device = "cpu", only, after;
  bool json = false;
};

// The checks of one launch, which is one row of the table of kernels.
struct Row {
  std::string name;
  uint32_t checks = 0;
  double share = 0;
  std::string message; // of the first that fails
};

class ConformanceRun {
public:
  ConformanceRun(const ConformanceOptions &options, LoadedProgram &program) : options(options), program(program) {}

  Expected<> run(const fb::CheckList &list) {
    const auto &checks = *list.checks();
    for (uint32_t i = 0; i < checks.size(); ++i) {
      std::string name = program.target().launches()->Get(checks.Get(i)->launch())->name()->str();
      if (rows.empty() || rows.back().name != name) {
        finishRow();
        rows.push_back({name, 0, 0, ""});
        started = started || options.after.empty() || (rows.size() > 1 && rows[rows.size() - 2].name == options.after);
      }
      if (!started || name.find(options.only) == std::string::npos)
        continue;
      progress.show("kernels", i, checks.size());
      if (auto done = runOne(list, *checks.Get(i)); !done)
        return done;
    }
    finishRow();
    progress.clear();
    return {};
  }

  uint32_t kernels = 0, failed = 0;
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();

private:
  Expected<> runOne(const fb::CheckList &list, const fb::Check &check) {
    Row &row = rows.back();
    auto result = runCheck(program, list, check);
    ++row.checks;
    std::string message = result ? result->message : result.error().message;
    if (row.message.empty() && !message.empty())
      row.message = fmt::format("{}: {}", check.name()->string_view(), message);
    if (result) {
      row.share = std::max(row.share, result->share);
      return {};
    }
    finishRow();
    progress.clear();
    return makeError("{}: the device is of no use after kernel '{}'; go on behind it with --after {}", options.path,
                     rows.back().name, rows.back().name);
  }

  void finishRow() {
    if (rows.empty() || rows.back().checks == 0)
      return;
    const Row &row = rows.back();
    ++kernels;
    failed += !row.message.empty();
    if (options.json) {
      lines.push_back({{"kernel", row.name}, {"checks", row.checks}, {"share", row.share}, {"message", row.message}});
      return;
    }
    progress.clear();
    if (row.message.empty())
      fmt::print("ok   {:<48} {:2} checks, {:6.2f} % of what is allowed\n", row.name, row.checks, 100 * row.share);
    else
      fmt::print("FAIL {:<48} {}\n", row.name, row.message);
    std::fflush(stdout);
  }

  const ConformanceOptions &options;
  LoadedProgram &program;
  Progress progress;
  std::vector<Row> rows; // as far as the run is
  bool started = false;
};

Expected<> conformance(const ConformanceOptions &options) {
  auto artifact = Artifact::open(options.path);
  if (!artifact)
    return passError(std::move(artifact));
  auto list = readChecks(*artifact);
  if (!list)
    return passError(std::move(list));
  auto opened = openDeviceFor(*artifact, options.device);
  if (!opened)
    return passError(std::move(opened));
  auto program = opened->device->load(*artifact, opened->target, {});
  if (!program)
    return passError(std::move(program));
  ConformanceRun run(options, **program);
  Expected<> done = run.run(**list);
  const char *target = (*program)->target().target()->c_str();
  if (options.json)
    fmt::print("{}\n",
               jsonText(nlohmann::ordered_json{
                   {"target", target}, {"device", opened->name}, {"kernels", run.lines}, {"failed", run.failed}}));
  else
    fmt::print("{} on {}, {}: {} kernels, {} failed\n", target, opened->name, opened->device->describe(), run.kernels,
               run.failed);
  if (!done)
    return done;
  if (run.kernels == 0)
    return makeError("{}: no kernel's name has '{}' in it, or none comes after '{}'", options.path, options.only,
                     options.after);
  if (run.failed)
    return makeError("{}: {} of {} kernels failed", options.path, run.failed, run.kernels);
  return {};
}

} // namespace

void addConformance(CLI::App &app, Action &action) {
  auto options = std::make_shared<ConformanceOptions>();
  CLI::App *command = app.add_subcommand(
      "conformance", "Run the kernels of a conformance artifact and compare with what they must give");
  command->add_option("artifact", options->path, "conformance artifact (docs/how-to/test-on-a-gpu-machine.md)")
      ->required()
      ->type_name("FILE.qpu");
  command->add_option("--device", options->device, "device to run on: cuda:0, hip:0, simt")->capture_default_str();
  command->add_option("--only", options->only, "only kernels with this in their name")->type_name("TEXT");
  command->add_option("--after", options->after, "only kernels that come after this one")->type_name("KERNEL");
  command->add_flag("--json", options->json, "print one JSON object: target, device, kernels, failed");
  command->callback([options, &action] { action = [options] { return conformance(*options); }; });
}

} // namespace quipu::tool
