// The "pre_tokenizer" of tokenizer.json: cuts a text into the words that byte-pair encoding works on one by one.
#pragma once

#include "runtime/Support/Error.h"
#include "runtime/Text/HuggingFace/TextPattern.h"

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

struct Metaspace;

// A text and the words it was cut into, in order. Splitting refines the words; rewriting replaces text and words.
struct WordList {
  std::string text;
  std::vector<Span> words;
  bool startsInput; // the first word is the first of the whole input

  std::string_view word(const Span &span) const {
    return std::string_view(text).substr(span.begin, span.end - span.begin);
  }
};

// What becomes of the matches of a split's pattern.
enum class SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

class PreTokenizer {
public:
  // `json` may be null: the text stays in one piece.
  static Expected<PreTokenizer> fromJson(const nlohmann::json *json, const std::string &where);

  Expected<WordList> apply(std::string text, bool startsInput) const;

private:
  using Step = std::function<Expected<void>(WordList &)>;

  Expected<void> add(const nlohmann::json &json, const std::string &where);
  Expected<void> addSequence(const nlohmann::json *parts, const std::string &where);
  Expected<void> addByteLevel(bool prefixSpace, bool useRegex);
  void addMetaspace(const Metaspace &metaspace, bool split);
  void addClass(bool (*isDelimiter)(char32_t), SplitBehavior behavior);

  std::vector<Step> steps;
};

} // namespace quipu
