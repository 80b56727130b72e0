// Tokens per second, next to what the machine could do at best: both limits are probed in the same run, before and
// after.
#include "tools/quipu/ModelFile.h"
#include "tools/quipu/Progress.h"
#include "tools/quipu/StepCost.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

namespace quipu::tool {
namespace {

struct BenchOptions {
  ModelOptions model;
  std::optional<uint32_t> promptTokens; // absent: 512, or the context where that is smaller
  uint32_t newTokens = 64, repeats = 5;
  uint32_t sequences = 1, context = 1; // of the decode run
  bool profile = false, json = false;
};

struct Figures {
  std::vector<double> prompt, decode; // tokens/s of each repeat
  double loadSeconds = 0;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// Ids spread over the vocabulary: embedding rows and pages are touched as a text would.
std::vector<int32_t> someIds(size_t count, uint32_t vocab) {
  std::vector<int32_t> ids(count);
  for (size_t i = 0; i < count; ++i)
    ids[i] = static_cast<int32_t>((i * 2654435761u + 7) % vocab);
  return ids;
}

// The last kernel that a launch runs in a step of one sequence and one asked-for row.
std::string kernelOf(const fb::TargetProgram &target, const fb::Launch &launch, uint64_t tokens) {
  uint64_t value = launch.dim() == fb::Dim::tokens ? tokens : 1;
  for (const fb::Variant *variant : *launch.variants())
    if (value <= variant->max_value())
      return target.kernels()->Get(variant->stages()->Get(variant->stages()->size() - 1)->kernel())->symbol()->str();
  return "";
}

// Seconds of each op's launches in one more prompt and one more decode run: timing every launch costs a little, so
// these are no part of the figures.
Expected<std::map<std::string, double>> profileRun(Engine &engine, uint32_t prompt, uint32_t newTokens) {
  SamplingParams sampling;
  sampling.ignoreEos = true;
  LoadedProgram &program = engine.loadedProgram();
  program.profile(true);
  auto run = engine.generate(someIds(prompt, engine.model().vocab()), sampling, newTokens);
  std::vector<double> seconds = program.launchSeconds();
  program.profile(false);
  if (!run)
    return passError(std::move(run));
  std::map<std::string, double> byKernel;
  uint64_t tokens = std::min<uint64_t>(prompt, program.plan().limits.tokens);
  // Launches of equal kernels count as one: what differs between layers is the name alone.
  for (uint32_t i = 0; i < seconds.size(); ++i)
    byKernel[kernelOf(program.target(), *program.target().launches()->Get(i), tokens)] += seconds[i];
  return byKernel;
}

void printProfile(const char *title, const std::map<std::string, double> &byKernel) {
  double total = 0;
  std::vector<std::pair<double, std::string>> order;
  for (const auto &[kernel, seconds] : byKernel) {
    total += seconds;
    order.emplace_back(seconds, kernel);
  }
  std::sort(order.rbegin(), order.rend());
  fmt::print("  {}: {:.1f} ms in launches\n", title, 1e3 * total);
  for (const auto &[seconds, kernel] : order)
    fmt::print("    {:9.3f} ms {:5.1f} %  {}\n", 1e3 * seconds, 100 * seconds / total, kernel);
}

// Tokens per second of the steps in which every sequence decodes. Prompts that take several steps decode beside others
// meanwhile, and the first to end leave the last ones to fewer: neither is counted.
Expected<double> decodeRate(Engine &engine, const BenchOptions &options) {
  using Clock = std::chrono::steady_clock;
  SamplingParams sampling;
  sampling.ignoreEos = true;
  for (uint32_t i = 0; i < options.sequences; ++i)
    if (auto id = engine.add(someIds(options.context, engine.model().vocab()), sampling, options.newTokens + 1); !id)
      return passError(std::move(id));
  double seconds = 0;
  uint64_t tokens = 0;
  while (true) {
    Clock::time_point started = Clock::now();
    auto step = engine.step();
    if (!step)
      return passError(std::move(step));
    if (step->idle())
      break;
    if (step->promptTokens || step->decodeTokens != options.sequences)
      continue;
    seconds += std::chrono::duration<double>(Clock::now() - started).count();
    tokens += step->decodeTokens;
  }
  if (!tokens)
    return makeError("no step decodes all of --sequences {} at once after --context {}; ask for more tokens (-n) or "
                     "compile with a larger --max-sequences",
                     options.sequences, options.context);
  return static_cast<double>(tokens) / seconds;
}

Expected<> measure(Engine &engine, const BenchOptions &options, uint32_t promptTokens, Figures &figures) {
  SamplingParams sampling;
  sampling.ignoreEos = true;
  uint32_t vocab = engine.model().vocab();
  Progress progress;
  for (uint32_t r = 0; r <= options.repeats; ++r) { // the first is not counted
    progress.show("measuring", r, options.repeats + 1);
    if (promptTokens) {
      auto prompt = engine.generate(someIds(promptTokens, vocab), sampling, 1);
      if (!prompt)
        return passError(std::move(prompt));
      if (r)
        figures.prompt.push_back(promptTokens / prompt->promptSeconds);
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

  uint32_t threads = (*engine)->plan().workers;
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
  // The machine may be shared: the better of two probes is nearer to what it can do.
  double bandwidth = std::max(before->bytesPerSecond, after->bytesPerSecond);
  bool bf16 = cost.bf16Dot();
  double peak = bf16 ? std::max(before->bf16FlopsPerSecond, after->bf16FlopsPerSecond)
                     : std::max(before->f32FlopsPerSecond, after->f32FlopsPerSecond);

  nlohmann::ordered_json object = {{"model", options.model.path},
                                   {"target", (*engine)->loadedProgram().target().target()->c_str()},
                                   {"threads", threads},
                                   {"repeats", options.repeats}};
  if (!figures.prompt.empty()) {
    double rate = median(figures.prompt);
    object["prompt_tokens"] = promptTokens;
    object["prompt_tokens_per_s"] = rate;
    object["time_to_first_token_s"] = promptTokens / rate;
    if (peak > 0)
      object["prompt_share_of_peak"] = cost.promptFlops(promptTokens) * rate / promptTokens / peak;
  }
  if (!figures.decode.empty()) {
    double rate = median(figures.decode);
    // A step reads the weights once and the cache of every sequence.
    double positions = options.sequences * (options.context + options.newTokens / 2.0);
    object["decode_tokens"] = options.newTokens;
    object["decode_sequences"] = options.sequences;
    object["decode_context"] = options.context;
    object["decode_tokens_per_s"] = rate;
    if (bandwidth > 0)
      object["decode_share_of_bandwidth"] = cost.decodeBytes(positions) * rate / options.sequences / bandwidth;
  }
  if (bandwidth > 0)
    object[fmt::format("probed_{}_bytes_per_s", before->bandwidth)] = bandwidth;
  if (peak > 0)
    object[bf16 ? "probed_bf16_flops_per_s" : "probed_f32_flops_per_s"] = peak;
  if (options.json) {
    fmt::print("{}\n", object.dump());
    return {};
  }
  fmt::print("{} on {}, {} threads, medians of {}\n", options.model.path, object["target"].get<std::string>(), threads,
             options.repeats);
  if (!figures.prompt.empty())
    fmt::print("  prompt {:>5}: {:9.1f} tokens/s, {}first token after {:.3f} s\n", promptTokens,
               object["prompt_tokens_per_s"].get<double>(),
               peak > 0 ? fmt::format("{:5.1f} % of the {} peak probed ({:.0f} GFLOP/s), ",
                                      100 * object["prompt_share_of_peak"].get<double>(), bf16 ? "bf16 dot" : "f32 FMA",
                                      peak / 1e9)
                        : "",
               object["time_to_first_token_s"].get<double>());
  if (!figures.decode.empty())
    fmt::print("  decode {:>5}: {:9.1f} tokens/s, {}{} sequence{} after {} token{}\n", options.newTokens,
               object["decode_tokens_per_s"].get<double>(),
               bandwidth > 0 ? fmt::format("{:5.1f} % of the {} bandwidth probed ({:.1f} GB/s), ",
                                           100 * object["decode_share_of_bandwidth"].get<double>(), before->bandwidth,
                                           bandwidth / 1e9)
                             : "",
               options.sequences, options.sequences == 1 ? "" : "s", options.context, options.context == 1 ? "" : "s");
  if (!options.profile)
    return {};
  for (auto [title, prompt, newTokens] :
       {std::tuple("prompt", promptTokens, 1u), std::tuple("decode", 1u, options.newTokens + 1)}) {
    if (!prompt || newTokens == 0)
      continue;
    auto byKernel = profileRun(**engine, prompt, newTokens);
    if (!byKernel)
      return passError(std::move(byKernel));
    printProfile(title, *byKernel);
  }
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
  command->add_flag("--profile", options->profile,
                    "print the time of each kernel for one sequence as well; not with --json");
  command->add_flag("--json", options->json,
                    "print one JSON object; prompt_tokens_per_s and decode_tokens_per_s are medians");
  command->callback([options, &action] { action = [options] { return bench(*options); }; });
}

} // namespace quipu::tool
