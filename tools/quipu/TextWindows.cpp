#include "tools/quipu/TextWindows.h"
#include "tools/quipu/ModelFile.h"

#include <algorithm>
#include <cmath>

namespace quipu::tool {

void addTextOptions(CLI::App &command, TextOptions &options) {
  command.add_option("--text", options.path, "UTF-8 text")->required()->type_name("FILE");
  command.add_option("--window", options.window, "tokens of a window; 0: 512, or the context where that is smaller")
      ->capture_default_str();
}

Expected<TextWindows> TextWindows::read(const TextOptions &options, const Engine &engine, const std::string &model) {
  const Tokenizer *tokenizer = engine.tokenizer();
  if (!tokenizer)
    return makeError("{}: the artifact has no tokenizer, so its perplexity on a text cannot be told", model);
  auto text = readText(options.path);
  if (!text)
    return passError(std::move(text));
  auto ids = tokenizer->encode(*text, {/*addSpecialTokens=*/true, /*parseSpecialTokens=*/false});
  if (!ids)
    return makeError("{}: {}", options.path, ids.error().message);

  TextWindows windows;
  uint32_t context = engine.plan().maxContext;
  windows.window = options.window ? options.window : std::min(512u, context);
  if (windows.window < 4 || windows.window > context)
    return makeError("--window is {}; expected 4 to {}, the context of {}", windows.window, context, model);
  size_t count = ids->size() / windows.window;
  if (count == 0)
    return makeError("{}: {} tokens, fewer than one window of {}; give a longer text or a smaller --window",
                     options.path, ids->size(), windows.window);
  // A window starts with BOS where the tokenizer starts texts so: some models have one and never see it.
  bool startsWithBos = tokenizer->bos() >= 0 && ids->front() == tokenizer->bos();
  for (size_t w = 0; w < count; ++w) {
    auto begin = ids->begin() + static_cast<ptrdiff_t>(w * windows.window);
    windows.tokens.emplace_back(begin, begin + windows.window);
    if (startsWithBos)
      windows.tokens.back()[0] = tokenizer->bos();
  }
  return windows;
}

double logSum(const float *logits, uint32_t vocab) {
  double largest = *std::max_element(logits, logits + vocab), sum = 0;
  for (uint32_t i = 0; i < vocab; ++i)
    sum += std::exp(static_cast<double>(logits[i]) - largest);
  return std::log(sum) + largest;
}

} // namespace quipu::tool
