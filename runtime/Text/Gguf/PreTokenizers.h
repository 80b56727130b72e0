// What a name in tokenizer.ggml.pre stands for.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

// The steps are those in the tokenizer.json of the models that a name was made for. llama.cpp normalises no text; the
// models' own tokenizers do, and so do we.
struct NamedPreTokenizer {
  std::vector<std::string_view> names;
  nlohmann::json normalizer, steps; // as in tokenizer.json
  bool ignoreMerges = false;        // a word that is a token as it stands is not split and merged
  bool addBos = false;              // a text begins with BOS where the file does not say
};

// Null: there is no such name.
const NamedPreTokenizer *findPreTokenizer(std::string_view name);

// All names, with commas between.
std::string preTokenizerNames();

} // namespace quipu
