// quipu eval perplexity, as llama.cpp's tool measures it: the text's tokens are cut into windows of N, the first token
// of each is replaced by BOS (where the model has one), and the second half of each window is counted: positions N/2 to
// N-2 predict the next token.
#include "tools/quipu/ModelFile.h"
#include "tools/quipu/Progress.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace quipu::tool {
namespace {

struct PerplexityOptions {
  ModelOptions model;
  std::string text;
  uint32_t window = 0;
  bool json = false;
};

// Negative log likelihood of `token` under the softmax of the logits.
double surprise(const float *logits, uint32_t vocab, int32_t token) {
  double largest = *std::max_element(logits, logits + vocab), sum = 0;
  for (uint32_t i = 0; i < vocab; ++i)
    sum += std::exp(static_cast<double>(logits[i]) - largest);
  return std::log(sum) + largest - static_cast<double>(logits[token]);
}

Expected<std::vector<int32_t>> tokensOf(const PerplexityOptions &options, const Tokenizer *tokenizer) {
  if (!tokenizer)
    return makeError("{}: the artifact has no tokenizer, so its perplexity on a text cannot be told",
                     options.model.path);
  auto text = readText(options.text);
  if (!text)
    return passError(std::move(text));
  auto ids = tokenizer->encode(*text, {/*addSpecialTokens=*/true, /*parseSpecialTokens=*/false});
  if (!ids)
    return makeError("{}: {}", options.text, ids.error().message);
  return ids;
}

Expected<> perplexity(PerplexityOptions &options) {
  auto engine = loadModel(options.model);
  if (!engine)
    return passError(std::move(engine));
  const Tokenizer *tokenizer = (*engine)->tokenizer();
  auto ids = tokensOf(options, tokenizer);
  if (!ids)
    return passError(std::move(ids));

  uint32_t context = (*engine)->plan().maxContext, vocab = (*engine)->model().vocab();
  uint32_t window = options.window ? options.window : std::min(512u, context);
  if (window < 4 || window > context)
    return makeError("--window is {}; expected 4 to {}, the context of {}", window, context, options.model.path);
  size_t windows = ids->size() / window;
  if (windows == 0)
    return makeError("{}: {} tokens, fewer than one window of {}; give a longer text or a smaller --window",
                     options.text, ids->size(), window);
  double total = 0;
  size_t counted = 0;
  Progress progress;
  for (size_t w = 0; w < windows; ++w) {
    progress.show("perplexity", w, windows);
    std::vector<int32_t> tokens(ids->begin() + static_cast<ptrdiff_t>(w * window),
                                ids->begin() + static_cast<ptrdiff_t>((w + 1) * window));
    if (tokenizer->bos() >= 0)
      tokens[0] = tokenizer->bos();
    auto onRow = [&](size_t position, const float *logits) {
      if (position + 1 == tokens.size())
        return;
      total += surprise(logits, vocab, tokens[position + 1]);
      ++counted;
    };
    if (auto scored = (*engine)->score(tokens, window / 2, onRow); !scored)
      return scored;
  }
  progress.clear();
  if (std::isnan(total))
    return makeError("{}: logits are not numbers; `quipu verify` names the first launch at fault", options.model.path);
  double result = std::exp(total / static_cast<double>(counted));
  if (options.json)
    fmt::print(
        "{}\n",
        nlohmann::json{{"perplexity", result}, {"tokens", counted}, {"windows", windows}, {"window", window}}.dump());
  else
    fmt::print("perplexity {:.4f} over {} tokens in {} windows of {}\n", result, counted, windows, window);
  return {};
}

} // namespace

void addEval(CLI::App &app, Action &action) {
  CLI::App *eval = app.add_subcommand("eval", "Measure a model on a text");
  eval->require_subcommand(1);
  auto options = std::make_shared<PerplexityOptions>();
  CLI::App *command = eval->add_subcommand("perplexity", "Perplexity on a text: windows, second half of each counted");
  addModelOptions(*command, options->model);
  command->add_option("--text", options->text, "UTF-8 text")->required()->type_name("FILE");
  command->add_option("--window", options->window, "tokens of a window; 0: 512, or the context where that is smaller")
      ->capture_default_str();
  command->add_flag("--json", options->json, "print one JSON object with perplexity");
  command->callback([options, &action] { action = [options] { return perplexity(*options); }; });
}

} // namespace quipu::tool
