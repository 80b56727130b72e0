// quipu-random-checkpoint: a checkpoint of random weights with the shapes of a config.json.
#include "tools/random-checkpoint/RandomCheckpoint.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fmt/core.h>
#include <map>
#include <unistd.h>

using namespace quipu;

namespace {

std::atomic<bool> interrupted{false};

void showProgress(double share) {
  static int shown = -1; // calls do not overlap
  int percent = static_cast<int>(share * 100);
  if (percent == shown)
    return;
  shown = percent;
  fmt::print(stderr, "\rweights [{:<40}] {:3} %{}", std::string(static_cast<size_t>(percent) * 40 / 100, '#'), percent,
             percent == 100 ? "\n" : "");
  std::fflush(stderr);
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"Writes a model directory in Hugging Face layout with random weights, for benchmarks and tests."};
  random_checkpoint::Options options;
  const std::map<std::string, models::DType> dtypes{
      {"bf16", models::DType::BF16}, {"f16", models::DType::F16}, {"f32", models::DType::F32}};
  std::string dtype;
  app.add_option("--config", options.config, "config.json of a supported model family")->required();
  app.add_option("-o,--output", options.output, "directory to make")->required();
  app.add_option("--dtype", dtype, "bf16, f16 or f32; default: the config's, else bf16")->check(CLI::IsMember(dtypes));
  app.add_option("--seed", options.seed, "same seed, same bytes")->capture_default_str();
  app.add_option("--tokenizer", options.tokenizer, "directory to copy the tokenizer's files from");
  CLI11_PARSE(app, argc, argv);

  if (!dtype.empty())
    options.dtype = dtypes.at(dtype);
  if (::isatty(STDERR_FILENO))
    options.progress = showProgress;
  options.interrupted = &interrupted;
  for (int signal : {SIGINT, SIGTERM, SIGHUP})
    std::signal(signal, [](int) { interrupted = true; });

  auto result = random_checkpoint::writeRandomCheckpoint(options);
  if (!result) {
    fmt::print(stderr, "quipu-random-checkpoint: {}\n", result.error().message);
    return 1;
  }
  for (const std::string &warning : result->warnings)
    fmt::print(stderr, "warning: {}\n", warning);
  fmt::print("{}: {} parameters, {} bytes\n", options.output, result->parameters, result->bytes);
  return 0;
}
