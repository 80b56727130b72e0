// Tokens per second, next to what the machine could do at best, probed in the same run: the peak of arithmetic before
// and after, the bandwidth of memory between the steps that it is to judge.
#include "tools/quipu/Commands/Bench/KernelProfile.h"
#include "tools/quipu/Commands/Bench/Measure.h"
#include "tools/quipu/Json.h"
#include "tools/quipu/ModelFile.h"

#include <algorithm>
#include <optional>

namespace quipu::tool {
namespace {

struct BenchOptions {
  ModelOptions model;
  BenchShape shape;
  std::optional<uint32_t> promptTokens; // absent: 512, or the context where that is smaller
  bool profile = false, json = false;
  std::string trace; // file to write; empty: none
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

double median(const std::vector<double> &values) { return quartilesOf(values).median; }

nlohmann::ordered_json toJson(const Quartiles &values, double unit = 1) {
  return {{"lower_quartile", values.lower / unit},
          {"median", values.median / unit},
          {"upper_quartile", values.upper / unit}};
}

// What steps in turn with those of the run say about it.
void addComparisons(nlohmann::ordered_json &object, const BenchShape &shape, const Figures &figures,
                    const StepCost &cost) {
  constexpr double ms = 1e-3;
  if (shape.context > 1) {
    double bytes = cost.cacheBytes(shape.morePositions()), all = cost.decodeBytes(shape.positions());
    ContextCost than = contextCost(figures.pairs, bytes);
    nlohmann::ordered_json &against = object["against_one_token"];
    against = {{"pairs", figures.pairs.size()},
               {"bytes_times", all / (all - bytes)},
               {"step_times", toJson(than.times)},
               {"longer_ms", toJson(than.longer, ms)}};
    if (!figures.share.empty()) {
      against["cache_ms"] = toJson(than.explained, ms);
      against["longer_to_cache"] = toJson(than.longerToExplained);
    }
  }
  if (shape.sequences > 1)
    object["against_one_sequence"] = {{"pairs", figures.pairs.size()},
                                      {"tokens_per_s_times", toJson(batchGain(figures.pairs, shape.sequences))}};
}

Expected<> profile(Engine &engine, const BenchOptions &options, OutputFile *trace) {
  const BenchShape &shape = options.shape;
  std::vector<KernelProfile> profiles;
  if (shape.promptTokens) {
    auto prompt = profileSteps(engine, StepKind::Prompt, 1, shape.promptTokens, 1);
    if (!prompt)
      return passError(std::move(prompt));
    profiles.push_back(std::move(*prompt));
  }
  if (shape.newTokens) {
    auto decode =
        profileSteps(engine, StepKind::Decode, shape.sequences, shape.context, shape.newTokens + 1, shape.context - 1);
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

nlohmann::ordered_json toJson(Engine &engine, const BenchOptions &options, const Figures &figures, const StepCost &cost,
                              const DotLimit &dot) {
  const BenchShape &shape = options.shape;
  nlohmann::ordered_json object = {{"model", options.model.path},
                                   {"target", engine.loadedProgram().target().target()->c_str()},
                                   {"threads", engine.plan().workers},
                                   {"repeats", shape.repeats}};
  if (!figures.prompt.empty()) {
    double rate = median(figures.prompt);
    object["prompt_tokens"] = shape.promptTokens;
    object["prompt_tokens_per_s"] = rate;
    object["time_to_first_token_s"] = shape.promptTokens / rate;
    if (figures.peak > 0)
      object["prompt_share_of_peak"] = cost.promptFlops(shape.promptTokens) * rate / shape.promptTokens / figures.peak;
  }
  if (!figures.decode.empty()) {
    object["decode_tokens"] = shape.newTokens;
    object["decode_sequences"] = shape.sequences;
    object["decode_context"] = shape.context;
    object["decode_tokens_per_s"] = median(figures.decode);
  }
  if (!figures.share.empty()) {
    object["decode_share_of_bandwidth"] = median(figures.share);
    object[fmt::format("probed_{}_bytes_per_s", figures.bandwidthKind)] = median(figures.bandwidth);
  }
  if (!figures.decode.empty())
    addComparisons(object, shape, figures, cost);
  if (figures.peak > 0)
    object[dot.key] = figures.peak;
  return object;
}

// "1.07 (1.05 to 1.09)": the median and the quartiles.
std::string middle(const nlohmann::ordered_json &values, int digits = 2) {
  auto number = [&](const char *key) { return fmt::format("{:.{}f}", values[key].get<double>(), digits); };
  return fmt::format("{} ({} to {})", number("median"), number("lower_quartile"), number("upper_quartile"));
}

std::string pairsOf(const nlohmann::ordered_json &comparison) {
  auto pairs = comparison["pairs"].get<size_t>();
  return fmt::format("{} pair{}", pairs, pairs == 1 ? "" : "s");
}

void printComparisons(const nlohmann::ordered_json &object) {
  if (auto found = object.find("against_one_token"); found != object.end()) {
    const nlohmann::ordered_json &than = *found;
    fmt::print("    after 1 token in turn, {}: a step takes {} ms longer, {} times as long, and reads {:.3f} times the "
               "bytes\n",
               pairsOf(than), middle(than["longer_ms"]), middle(than["step_times"], 3),
               than["bytes_times"].get<double>());
    if (than.contains("cache_ms"))
      fmt::print(
          "      the cache's bytes take {} ms at the bandwidth of the same pairs; the step is longer by {} times "
          "that\n",
          middle(than["cache_ms"]), middle(than["longer_to_cache"]));
  }
  if (auto found = object.find("against_one_sequence"); found != object.end())
    fmt::print("    1 sequence in turn, {}: {} times its tokens/s\n", pairsOf(*found),
               middle((*found)["tokens_per_s_times"]));
}

void print(const nlohmann::ordered_json &object, const Figures &figures, const DotLimit &dot) {
  auto number = [&](const char *key) { return object[key].get<double>(); };
  auto target = object["target"].get<std::string>();
  auto threads = object["threads"].get<uint32_t>();
  std::string workers = fmt::format(", {} thread{}", threads, threads == 1 ? "" : "s");
  fmt::print("{} on {}{}, medians of {}\n", object["model"].get<std::string>(), target,
             target.rfind("cpu:", 0) == 0 ? workers : "", object["repeats"].get<uint32_t>());
  if (object.contains("prompt_tokens"))
    fmt::print("  prompt {:>5}: {:9.1f} tokens/s, {}first token after {:.3f} s\n", number("prompt_tokens"),
               number("prompt_tokens_per_s"),
               figures.peak > 0 ? fmt::format("{:5.1f} % of the {} peak probed ({:.0f} Gop/s), ",
                                              100 * number("prompt_share_of_peak"), dot.name, figures.peak / 1e9)
                                : "",
               number("time_to_first_token_s"));
  if (!object.contains("decode_tokens"))
    return;
  auto sequences = object["decode_sequences"].get<uint32_t>(), context = object["decode_context"].get<uint32_t>();
  fmt::print("  decode {:>5}: {:9.1f} tokens/s, {}{} sequence{} after {} token{}\n", number("decode_tokens"),
             number("decode_tokens_per_s"),
             figures.share.empty() ? ""
                                   : fmt::format("{:5.1f} % of the {} bandwidth probed between steps ({:.1f} GB/s), ",
                                                 100 * number("decode_share_of_bandwidth"), figures.bandwidthKind,
                                                 median(figures.bandwidth) / 1e9),
             sequences, sequences == 1 ? "" : "s", context, context == 1 ? "" : "s");
  printComparisons(object);
}

Expected<> bench(BenchOptions &options) {
  if (options.promptTokens == 0u && options.shape.newTokens == 0)
    return makeError("-p 0 and -n 0 leave nothing to measure");
  auto engine = loadModel(options.model);
  if (!engine)
    return passError(std::move(engine));
  uint32_t context = (*engine)->plan().maxContext;
  BenchShape &shape = options.shape;
  shape.promptTokens = options.promptTokens.value_or(std::min(512u, context));
  if (shape.promptTokens > context || uint64_t(shape.context) + shape.newTokens > context)
    return makeError(
        "-p {}, and --context {} with -n {}, must fit the context of {}; raise --max-context where the model allows it",
        shape.promptTokens, shape.context, shape.newTokens, context);
  std::optional<OutputFile> trace;
  if (!options.trace.empty()) {
    auto file = OutputFile::create(options.trace);
    if (!file)
      return passError(std::move(file));
    trace = std::move(*file);
  }
  StepCost cost(**engine);
  const DotLimit &dot = limitOf(cost.dotInstruction());
  auto figures = measure(**engine, shape, cost, dot.probe);
  if (!figures)
    return passError(std::move(figures));
  nlohmann::ordered_json object = toJson(**engine, options, *figures, cost, dot);
  if (options.json)
    fmt::print("{}\n", jsonText(object));
  else
    print(object, *figures, dot);
  if (options.profile || trace)
    return profile(**engine, options, trace ? &*trace : nullptr);
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
  command
      ->add_option("-n,--new-tokens", options->shape.newTokens, "tokens of each sequence to generate; 0: no decode run")
      ->capture_default_str();
  command
      ->add_option(
          "--sequences", options->shape.sequences,
          "sequences that decode together; rates count all their tokens, and above 1 steps of one are taken in "
          "turn with theirs, for the speed of one")
      ->capture_default_str()
      ->check(CLI::Range(1u, 65536u));
  command
      ->add_option("--context", options->shape.context,
                   "tokens that each sequence has before it decodes; above 1, steps after one token are taken in "
                   "turn with theirs, for what the longer cache costs")
      ->capture_default_str()
      ->check(CLI::Range(1u, 1u << 30));
  command->add_option("-r,--repeats", options->shape.repeats, "counted runs; the figures are medians")
      ->capture_default_str()
      ->check(CLI::Range(1u, 1000u));
  command->add_flag("--random-weights", options->model.randomWeights,
                    "numbers made up here for weights: the artifact needs none (compile --weights none)");
  command->add_flag_callback(
      "--no-launch-marks", [options] { options->model.markLaunches = false; },
      "kernels of a GPU do not tell the host that they have begun, to see what that takes; errors name none then");
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
