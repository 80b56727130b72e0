#include "tools/quipu/Commands/Bench/KernelProfile.h"
#include "tools/quipu/Json.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace quipu::tool {
namespace {

std::string symbolOf(const fb::TargetProgram &target, uint32_t kernel) {
  return target.kernels()->Get(kernel)->symbol()->str();
}

// Events of one trace, with times in microseconds since its first step.
class Trace {
public:
  explicit Trace(double start) : start(start) {}

  void name(const char *what, uint32_t thread, const std::string &name) {
    events.push_back({{"ph", "M"}, {"name", what}, {"pid", process}, {"tid", thread}, {"args", {{"name", name}}}});
  }
  void span(uint32_t thread, const std::string &name, const char *category, double begin, double seconds,
            nlohmann::ordered_json arguments) {
    events.push_back({{"ph", "X"},
                      {"name", name},
                      {"cat", category},
                      {"pid", process},
                      {"tid", thread},
                      {"ts", 1e6 * (begin - start)},
                      {"dur", 1e6 * seconds},
                      {"args", std::move(arguments)}});
  }
  std::string text() const {
    return jsonText(nlohmann::ordered_json{{"displayTimeUnit", "ms"}, {"traceEvents", events}});
  }

private:
  static constexpr uint32_t process = 1;
  double start;
  nlohmann::ordered_json events = nlohmann::ordered_json::array();
};

constexpr uint32_t stepTrack = 1; // thread ids: 0 is none to Perfetto
uint32_t trackOf(uint32_t worker) { return stepTrack + 1 + worker; }

void addSpan(Trace &trace, const KernelSpan &span, const fb::TargetProgram &target) {
  const fb::Launch &launch = *target.launches()->Get(span.launch);
  trace.span(trackOf(span.worker), symbolOf(target, span.kernel), "kernel", span.begin, span.working,
             {{"launch", launch.name()->str()}, {"index", span.launch}, {"op", launch.op()->str()}});
  if (span.seconds > span.working)
    trace.span(trackOf(span.worker), "wait for the other workers", "wait", span.begin + span.working,
               span.seconds - span.working, {{"index", span.launch}});
}

} // namespace

Expected<KernelProfile> profileSteps(Engine &engine, StepKind kind, uint32_t sequences, uint32_t promptTokens,
                                     uint32_t newTokens, uint32_t held) {
  LoadedProgram &program = engine.loadedProgram();
  program.profile(true);
  auto steps = runSteps(engine, sequences, promptTokens, newTokens, held);
  std::vector<KernelSpan> spans = program.spans();
  program.profile(false);
  if (!steps)
    return passError(std::move(steps));
  KernelProfile profile;
  profile.title = kind == StepKind::Prompt ? "prompt" : "decode";
  for (const TimedStep &step : *steps)
    if (isKind(step, kind, sequences))
      profile.steps.push_back(step);
  for (const KernelSpan &span : spans) {
    auto after = std::upper_bound(profile.steps.begin(), profile.steps.end(), span.begin,
                                  [](double begin, const TimedStep &step) { return begin < step.begin; });
    if (after != profile.steps.begin() && span.begin < after[-1].begin + after[-1].seconds)
      profile.spans.push_back(span);
  }
  return profile;
}

void printProfile(const KernelProfile &profile, const fb::TargetProgram &target) {
  std::map<std::string, double> byKernel;
  double inSteps = 0, inKernels = 0;
  for (const TimedStep &step : profile.steps)
    inSteps += step.seconds;
  // Layers share kernels. All workers leave a kernel at the same time: one speaks for all.
  for (const KernelSpan &span : profile.spans)
    if (span.worker == 0) {
      byKernel[symbolOf(target, span.kernel)] += span.seconds;
      inKernels += span.seconds;
    }
  std::vector<std::pair<double, std::string>> order;
  for (const auto &[kernel, seconds] : byKernel)
    order.emplace_back(seconds, kernel);
  std::sort(order.rbegin(), order.rend());
  fmt::print("  {}: {:.1f} ms in {} step{}, {:.1f} ms of it in kernels\n", profile.title, 1e3 * inSteps,
             profile.steps.size(), profile.steps.size() == 1 ? "" : "s", 1e3 * inKernels);
  for (const auto &[seconds, kernel] : order)
    fmt::print("    {:9.3f} ms {:5.1f} %  {}\n", 1e3 * seconds, 100 * seconds / inKernels, kernel);
}

Expected<> writeTrace(OutputFile &file, const std::vector<KernelProfile> &profiles, const fb::TargetProgram &target) {
  std::set<uint32_t> workers;
  double start = 0;
  for (const KernelProfile &profile : profiles) {
    if (start == 0 && !profile.steps.empty())
      start = profile.steps.front().begin;
    for (const KernelSpan &span : profile.spans)
      workers.insert(span.worker);
  }
  Trace trace(start);
  trace.name("process_name", stepTrack, fmt::format("quipu {}", target.target()->str()));
  trace.name("thread_name", stepTrack, "steps");
  for (uint32_t worker : workers)
    trace.name("thread_name", trackOf(worker), fmt::format("worker {}", worker));
  for (const KernelProfile &profile : profiles) {
    for (const TimedStep &step : profile.steps)
      trace.span(stepTrack, profile.title, "step", step.begin, step.seconds,
                 {{"prompt_tokens", step.promptTokens}, {"decode_tokens", step.decodeTokens}});
    for (const KernelSpan &span : profile.spans)
      addSpan(trace, span, target);
  }
  std::string text = trace.text();
  if (auto written = file.writeAt(0, text.data(), text.size()); !written)
    return written;
  return file.commit();
}

} // namespace quipu::tool
