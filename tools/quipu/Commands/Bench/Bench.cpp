// Tokens per second, next to what the machine could do at best: both limits are probed in the same run, before and
// after.
#include "tools/quipu/Commands/Bench/KernelProfile.h"
#include "tools/quipu/Commands/Bench/StepCost.h"
#include "tools/quipu/ModelFile.h"
#include "tools/quipu/Progress.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace quipu::tool {
namespace {

struct BenchOptions {
  ModelOptions model;
  std::optional<uint32_t> promptTokens; // absent: 512, or the context where that is smaller
  uint32_t newTokens = 64, repeats = 5;
  uint32_t sequences = 1, context = 1; // of the decode run
  bool profile = false, json = false;
  std::string trace; // file to write; empty: none
};

struct Figures {
  std::vector<double> prompt, decode; // tokens/s of each repeat
};

struct DotLimit {
  const char *name, *key; // as printed, and of the JSON object
  double DevicePeaks::*probe;
};

const DotLimit &limitOf(DotInstruction instruction) {
  static const DotLimit f32 = {"f32 FMA", "probed_f32_flops_per_s", &DevicePeaks::f32FlopsPerSecond};
  static const DotLimit bf16 = {"bf16 dot", "probed_bf16_flops_per_s", &DevicePeaks::bf16FlopsPerSecond};
  static const DotLimit int8 = {"int8 dot", "probed_int8_ops_per_s", &DevicePeaks::int8OpsPerSecond};
  return instruction == DotInstruction::Int8Dot ? int8 : instruction == DotInstruction::Bf16Dot ? bf16 : f32;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// Tokens per second of the steps in which every sequence decodes.
Expected<double> decodeRate(Engine &engine, const BenchOptions &options) {
  auto steps = runSteps(engine, options.sequences, options.context, options.newTokens + 1);
  if (!steps)
    return passError(std::move(steps));
  double seconds = 0, tokens = 0;
  for (const TimedStep &step : *steps)
    if (isKind(step, StepKind::Decode, options.sequences)) {
      seconds += step.seconds;
      tokens += static_cast<double>(step.decodeTokens);
    }
  if (tokens == 0)
    return makeError("no step decodes all of --sequences {} at once after --context {}; ask for more tokens (-n) or "
                     "compile with a larger --max-sequences",
                     options.sequences, options.context);
  return tokens / seconds;
}

Expected<double> promptRate(Engine &engine, uint32_t promptTokens) {
  auto steps = runSteps(engine, 1, promptTokens, 1);
  if (!steps)
    return passError(std::move(steps));
  double seconds = 0;
  for (const TimedStep &step : *steps)
    seconds += step.seconds;
  return promptTokens / seconds;
}

Expected<> measure(Engine &engine, const BenchOptions &options, uint32_t promptTokens, Figures &figures) {
  Progress progress;
  for (uint32_t r = 0; r <= options.repeats; ++r) { // the first is not counted
    progress.show("measuring", r, options.repeats + 1);
    if (promptTokens) {
      auto prompt = promptRate(engine, promptTokens);
      if (!prompt)
        return passError(std::move(prompt));
      if (r)
        figures.prompt.push_back(*prompt);
    }
    if (options.newTokens) {
      auto decode = decodeRate(engine, options);
      if (!decode)
        return passError(std::move(decode));
      if (r)
        figures.decode.push_back(*decode);
    }
  }
  return {};
}

Expected<> profile(Engine &engine, const BenchOptions &options, uint32_t promptTokens, OutputFile *trace) {
  std::vector<KernelProfile> profiles;
  if (promptTokens) {
    auto prompt = profileSteps(engine, StepKind::Prompt, 1, promptTokens, 1);
    if (!prompt)
      return passError(std::move(prompt));
    profiles.push_back(std::move(*prompt));
  }
  if (options.newTokens) {
    auto decode = profileSteps(engine, StepKind::Decode, options.sequences, options.context, options.newTokens + 1);
    if (!decode)
      return passError(std::move(decode));
    profiles.push_back(std::move(*decode));
  }
  const fb::TargetProgram &target = engine.loadedProgram().target();
  if (options.profile)
    for (const KernelProfile &profile : profiles)
      printProfile(profile, target);
  return trace ? writeTrace(*trace, profiles, target) : Expected<>();
}

// What the machine could do, probed in the run; 0 where the device has no probe for it.
struct Limits {
  double bandwidth = 0;      // bytes/s
  std::string_view measured; // how: "read", "copy"
  const DotLimit *dot;
  double peak = 0; // operations/s
};

// The machine may be shared: the better of two probes is nearer to what it can do.
Limits limitsOf(const DevicePeaks &before, const DevicePeaks &after, const StepCost &cost) {
  const DotLimit &dot = limitOf(cost.dotInstruction());
  return {std::max(before.bytesPerSecond, after.bytesPerSecond), before.bandwidth, &dot,
          std::max(before.*dot.probe, after.*dot.probe)};
}

nlohmann::ordered_json toJson(Engine &engine, const BenchOptions &options, uint32_t promptTokens,
                              const Figures &figures, const StepCost &cost, const Limits &limits) {
  nlohmann::ordered_json object = {{"model", options.model.path},
                                   {"target", engine.loadedProgram().target().target()->c_str()},
                                   {"threads", engine.plan().workers},
                                   {"repeats", options.repeats}};
  if (!figures.prompt.empty()) {
    double rate = median(figures.prompt);
    object["prompt_tokens"] = promptTokens;
    object["prompt_tokens_per_s"] = rate;
    object["time_to_first_token_s"] = promptTokens / rate;
    if (limits.peak > 0)
      object["prompt_share_of_peak"] = cost.promptFlops(promptTokens) * rate / promptTokens / limits.peak;
  }
  if (!figures.decode.empty()) {
    double rate = median(figures.decode);
    // A step reads the weights once and the cache of every sequence.
    double positions = options.sequences * (options.context + options.newTokens / 2.0);
    object["decode_tokens"] = options.newTokens;
    object["decode_sequences"] = options.sequences;
    object["decode_context"] = options.context;
    object["decode_tokens_per_s"] = rate;
    if (limits.bandwidth > 0)
      object["decode_share_of_bandwidth"] = cost.decodeBytes(positions) * rate / options.sequences / limits.bandwidth;
  }
  if (limits.bandwidth > 0)
    object[fmt::format("probed_{}_bytes_per_s", limits.measured)] = limits.bandwidth;
  if (limits.peak > 0)
    object[limits.dot->key] = limits.peak;
  return object;
}

void print(const nlohmann::ordered_json &object, const Limits &limits) {
  auto number = [&](const char *key) { return object[key].get<double>(); };
  fmt::print("{} on {}, {} threads, medians of {}\n", object["model"].get<std::string>(),
             object["target"].get<std::string>(), object["threads"].get<uint32_t>(), object["repeats"].get<uint32_t>());
  if (object.contains("prompt_tokens"))
    fmt::print("  prompt {:>5}: {:9.1f} tokens/s, {}first token after {:.3f} s\n", number("prompt_tokens"),
               number("prompt_tokens_per_s"),
               limits.peak > 0 ? fmt::format("{:5.1f} % of the {} peak probed ({:.0f} Gop/s), ",
                                             100 * number("prompt_share_of_peak"), limits.dot->name, limits.peak / 1e9)
                               : "",
               number("time_to_first_token_s"));
  if (!object.contains("decode_tokens"))
    return;
  auto sequences = object["decode_sequences"].get<uint32_t>(), context = object["decode_context"].get<uint32_t>();
  fmt::print("  decode {:>5}: {:9.1f} tokens/s, {}{} sequence{} after {} token{}\n", number("decode_tokens"),
             number("decode_tokens_per_s"),
             limits.bandwidth > 0
                 ? fmt::format("{:5.1f} % of the {} bandwidth probed ({:.1f} GB/s), ",
                               100 * number("decode_share_of_bandwidth"), limits.measured, limits.bandwidth / 1e9)
                 : "",
             sequences, sequences == 1 ? "" : "s", context, context == 1 ? "" : "s");
}

Expected<> bench(BenchOptions &options) {
  auto engine = loadModel(options.model);
  if (!engine)
    return passError(std::move(engine));
  uint32_t context = (*engine)->plan().maxContext;
  uint32_t promptTokens = options.promptTokens.value_or(std::min(512u, context));
  if (promptTokens > context || uint64_t(options.context) + options.newTokens > context)
    return makeError("-p {}, and --context {} with -n {}, must fit the context of {}; compile with a larger "
                     "--max-context",
                     promptTokens, options.context, options.newTokens, context);
  std::optional<OutputFile> trace;
  if (!options.trace.empty()) {
    auto file = OutputFile::create(options.trace);
    if (!file)
      return passError(std::move(file));
    trace = std::move(*file);
  }
  StepCost cost(**engine);
  auto before = (*engine)->device().probe((*engine)->loadedProgram());
  if (!before)
    return passError(std::move(before));
  Figures figures;
  if (auto measured = measure(**engine, options, promptTokens, figures); !measured)
    return measured;
  auto after = (*engine)->device().probe((*engine)->loadedProgram());
  if (!after)
    return passError(std::move(after));
  Limits limits = limitsOf(*before, *after, cost);
  nlohmann::ordered_json object = toJson(**engine, options, promptTokens, figures, cost, limits);
  if (options.json)
    fmt::print("{}\n", object.dump());
  else
    print(object, limits);
  if (options.profile || trace)
    return profile(**engine, options, promptTokens, trace ? &*trace : nullptr);
  return {};
}

} // namespace

void addBench(CLI::App &app, Action &action) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App *command =
      app.add_subcommand("bench", "Measure prompt and decode speed, and the shares of the machine's limits");
  addModelOptions(*command, options->model);
  command->add_option("-p,--prompt-tokens", options->promptTokens,
                      "tokens of the prompt; 0: no prompt run; default: 512, or the context where that is smaller");
  command->add_option("-n,--new-tokens", options->newTokens, "tokens of each sequence to generate; 0: no decode run")
      ->capture_default_str();
  command->add_option("--sequences", options->sequences, "sequences that decode together; rates count all their tokens")
      ->capture_default_str()
      ->check(CLI::Range(1u, 65536u));
  command->add_option("--context", options->context, "tokens that each sequence has before it decodes")
      ->capture_default_str()
      ->check(CLI::Range(1u, 1u << 30));
  command->add_option("-r,--repeats", options->repeats, "counted runs; the figures are medians")
      ->capture_default_str()
      ->check(CLI::Range(1u, 1000u));
  command->add_flag("--random-weights", options->model.randomWeights,
                    "numbers made up here for weights: the artifact needs none (compile --weights none)");
  CLI::Option *profile =
      command->add_flag("--profile", options->profile, "print the time of each kernel in one more run as well");
  command
      ->add_option("--trace", options->trace,
                   "write each run of a kernel, by worker, as a trace for ui.perfetto.dev or chrome://tracing")
      ->type_name("FILE.json");
  command
      ->add_flag("--json", options->json,
                 "print one JSON object; prompt_tokens_per_s and decode_tokens_per_s are medians")
      ->excludes(profile);
  command->callback([options, &action] { action = [options] { return bench(*options); }; });
}

} // namespace quipu::tool
