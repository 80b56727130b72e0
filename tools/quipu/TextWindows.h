// A text as the commands of `eval` take it, which is how llama.cpp's tool measures perplexity: its tokens are cut into
// windows of N, the first token of each is replaced by BOS (where the model has one), and the second half of each
// window counts: positions N/2 to N-2 predict the next token.
#pragma once

#include "runtime/Engine/Engine.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace quipu::tool {

struct TextOptions {
  std::string path;
  uint32_t window = 0; // 0: 512, or the context where that is smaller
};

// Adds --text and --window.
void addTextOptions(CLI::App &command, TextOptions &options);

struct TextWindows {
  uint32_t window = 0;
  std::vector<std::vector<int32_t>> tokens; // of each window

  // Errors name the text or the flag: no tokenizer, a window the context does not hold, too few tokens for one. `model`
  // is the engine's path.
  static Expected<TextWindows> read(const TextOptions &options, const Engine &engine, const std::string &model);

  // The first position that counts.
  size_t firstCounted() const { return window / 2; }
};

// log(sum(exp(logits))).
double logSum(const float *logits, uint32_t vocab);

} // namespace quipu::tool
