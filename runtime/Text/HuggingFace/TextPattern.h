// What the steps of a tokenizer search for: a fixed string or a regular expression.
#pragma once

#include "runtime/Support/Error.h"

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

struct Span {
  size_t begin, end; // bytes
};

class TextPattern {
public:
  static Expected<TextPattern> literal(std::string text);
  static Expected<TextPattern> regex(std::string_view oniguruma);
  // {"String": ...} or {"Regex": ...}
  static Expected<TextPattern> fromJson(const nlohmann::json &json, const std::string &where);

private:
  friend class PatternSearch;
  struct Regex;
  std::string string;
  std::shared_ptr<const Regex> compiled; // null: search for `string`
};

// Searches texts for one pattern; keeps the working memory of the regular expression between texts.
class PatternSearch {
public:
  explicit PatternSearch(const TextPattern &pattern); // the pattern must outlive the search
  ~PatternSearch();

  // All matches, from left to right and without overlap; valid until the next call. `text` is valid UTF-8.
  Expected<const std::vector<Span> *> matches(std::string_view text);

private:
  void findString(std::string_view text);
  Expected<void> findRegex(std::string_view text);

  const TextPattern &pattern;
  struct Memory;
  std::unique_ptr<Memory> memory; // null where the pattern is a string
  std::vector<Span> spans;
};

} // namespace quipu
