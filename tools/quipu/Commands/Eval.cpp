// quipu eval perplexity: a number that other programs give for the same text and windows (TextWindows.h).
#include "tools/quipu/Json.h"
#include "tools/quipu/ModelFile.h"
#include "tools/quipu/Progress.h"
#include "tools/quipu/TextWindows.h"

#include <cmath>

namespace quipu::tool {
namespace {

struct PerplexityOptions {
  ModelOptions model;
  TextOptions text;
  bool json = false;
};

Expected<> perplexity(PerplexityOptions &options) {
  auto engine = loadModel(options.model);
  if (!engine)
    return passError(std::move(engine));
  auto text = TextWindows::read(options.text, **engine, options.model.path);
  if (!text)
    return passError(std::move(text));
  uint32_t vocab = (*engine)->model().vocab();
  double total = 0;
  size_t counted = 0, done = 0;
  Progress progress;
  for (const std::vector<int32_t> &tokens : text->tokens) {
    progress.show("perplexity", done++, text->tokens.size());
    auto onRow = [&](size_t position, const float *logits) {
      if (position + 1 == tokens.size())
        return;
      total += logSum(logits, vocab) - static_cast<double>(logits[tokens[position + 1]]);
      ++counted;
    };
    if (auto scored = (*engine)->score(tokens, text->firstCounted(), onRow); !scored)
      return scored;
  }
  progress.clear();
  if (std::isnan(total))
    return makeError("{}: logits are not numbers; `quipu verify` names the first launch at fault", options.model.path);
  double result = std::exp(total / static_cast<double>(counted));
  if (options.json)
    fmt::print(
        "{}\n",
        jsonText(nlohmann::json{
            {"perplexity", result}, {"tokens", counted}, {"windows", text->tokens.size()}, {"window", text->window}}));
  else
    fmt::print("perplexity {:.4f} over {} tokens in {} windows of {}\n", result, counted, text->tokens.size(),
               text->window);
  return {};
}

} // namespace

void addEval(CLI::App &app, Action &action) {
  CLI::App *eval = app.add_subcommand("eval", "Measure a model on a text");
  eval->require_subcommand(1);
  auto options = std::make_shared<PerplexityOptions>();
  CLI::App *command = eval->add_subcommand("perplexity", "Perplexity on a text: windows, second half of each counted");
  addModelOptions(*command, options->model);
  addTextOptions(*command, options->text);
  command->add_flag("--json", options->json, "print one JSON object with perplexity");
  command->callback([options, &action] { action = [options] { return perplexity(*options); }; });
  addEvalQuality(*eval, action);
}

} // namespace quipu::tool
