#include "tools/quipu/Command.h"
#include "tools/quipu/CompilerLibrary.h"
#include "tools/quipu/Json.h"
#include "tools/quipu/Progress.h"

namespace quipu::tool {
namespace {

struct VerifyOptions {
  VerifyRequest request;
  bool json = false;
};

nlohmann::json toJson(const std::vector<VerifyLine> &lines) {
  nlohmann::json list = nlohmann::json::array();
  for (const VerifyLine &line : lines)
    list.push_back({{"name", line.name},
                    {"op", line.op},
                    {"error", line.error},
                    {"tolerance", line.tolerance},
                    {"passed", line.passed()}});
  return list;
}

size_t print(const char *title, const std::vector<VerifyLine> &lines) {
  size_t failed = 0;
  fmt::print("{}\n", title);
  for (const VerifyLine &line : lines) {
    failed += !line.passed();
    fmt::print("  {} {:<44} {:<22} error {:.2e} of {:.0e}\n", line.passed() ? "ok  " : "FAIL", line.name, line.op,
               line.error, line.tolerance);
  }
  return failed;
}

Expected<> verify(const VerifyOptions &options) {
  auto compiler = openCompiler();
  if (!compiler)
    return passError(std::move(compiler));
  Progress progress;
  VerifyRequest request = options.request;
  request.progress = [&](const std::string &what, uint64_t done, uint64_t total) { progress.show(what, done, total); };
  auto report = (*compiler)->verify(request);
  progress.clear();
  if (!report)
    return passError(std::move(report));
  size_t failed = 0;
  if (options.json) {
    fmt::print("{}\n", jsonText(nlohmann::json{{"passes", toJson(report->passes)},
                                               {"launches", toJson(report->launches)},
                                               {"logits", toJson(report->logits)}}));
    for (const auto *lines : {&report->passes, &report->launches, &report->logits})
      for (const VerifyLine &line : *lines)
        failed += !line.passed();
  } else {
    failed += print("passes: the reference on the IR after each, against the definition", report->passes);
    failed += print("launches: the device on the reference's operands, against the reference", report->launches);
    failed += print("logits: whole steps on the device, against the definition", report->logits);
  }
  if (!failed && !options.json)
    fmt::print("all {} comparisons are within their tolerances\n",
               report->passes.size() + report->launches.size() + report->logits.size());
  if (failed)
    return makeError("{}: {} comparison{} failed", options.request.model, failed, failed == 1 ? "" : "s");
  return {};
}

} // namespace

void addVerify(CLI::App &app, Action &action) {
  auto options = std::make_shared<VerifyOptions>();
  VerifyRequest &request = options->request;
  CLI::App *command =
      app.add_subcommand("verify", "Compare every pass and every launch with the reference, on real activations");
  command->add_option("model", request.model, "checkpoint: a folder in Hugging Face layout or a GGUF file")
      ->required()
      ->type_name("MODEL_DIR|FILE.gguf");
  command->add_option("--target", request.target, "device and chip; default: cpu");
  addStorageOptions(*command, request);
  command->add_option("--prompt-ids", request.promptIds, "token ids to run on; default: chosen by a fixed seed")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("1,2,3");
  command
      ->add_option("--disable-pass", request.disabledPasses, "leave out an optional pass, may be given several times")
      ->allow_extra_args(false);
  command->add_option("--device", request.device, "device to run on")->capture_default_str();
  command->add_option("--threads", request.threads, "worker threads of the CPU; 0: one for each physical core")
      ->capture_default_str();
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options, &action] { action = [options] { return verify(*options); }; });
}

} // namespace quipu::tool
