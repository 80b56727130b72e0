#include "runtime/Text/HuggingFace/PreTokenizer.h"

#include "runtime/Text/HuggingFace/ByteLevel.h"
#include "runtime/Text/HuggingFace/Metaspace.h"
#include "runtime/Text/HuggingFace/Normalizer.h"
#include "runtime/Text/HuggingFace/WordSplit.h"
#include "runtime/Text/Json.h"
#include "runtime/Text/TextModel.h"
#include "runtime/Text/UnicodeClasses.h"

#include <map>

namespace quipu {

using nlohmann::json;

namespace {

Expected<SplitBehavior> behaviorFrom(const std::string &name, const std::string &where) {
  static const std::map<std::string_view, SplitBehavior> names = {
      {"Removed", SplitBehavior::Removed},
      {"Isolated", SplitBehavior::Isolated},
      {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
      {"MergedWithNext", SplitBehavior::MergedWithNext},
      {"Contiguous", SplitBehavior::Contiguous}};
  auto it = names.find(name);
  if (it == names.end())
    return makeError("{}: split behavior '{}' is not supported", where, name);
  return it->second;
}

// Replaces the text word by word: `rewrite(word, isFirst, out)` appends the new word.
template <typename Rewrite> Expected<void> rewriteWords(WordList &list, Rewrite rewrite) {
  std::string text;
  text.reserve(list.text.size() * 5 / 4);
  for (size_t i = 0; i < list.words.size(); ++i) {
    size_t begin = text.size();
    rewrite(list.word(list.words[i]), i == 0 && list.startsInput, text);
    list.words[i] = {begin, text.size()};
  }
  list.text = std::move(text);
  return {};
}

} // namespace

Expected<PreTokenizer> PreTokenizer::fromJson(const json *json, const std::string &where) {
  PreTokenizer preTokenizer;
  if (json)
    if (auto added = preTokenizer.add(*json, where); !added)
      return passError(std::move(added));
  return preTokenizer;
}

Expected<void> PreTokenizer::addSequence(const json *parts, const std::string &where) {
  if (!parts)
    return makeError("{}: 'pretokenizers' is missing", where);
  for (const auto &part : *parts)
    if (auto added = add(part, where); !added)
      return added;
  return {};
}

Expected<void> PreTokenizer::add(const json &json, const std::string &where) {
  JsonFields fields(json, where);
  std::string type = fields.string("type", "");
  if (type == "Sequence") {
    if (auto added = addSequence(fields.array("pretokenizers"), where); !added)
      return added;
  } else if (type == "Split") {
    auto pattern = TextPattern::fromJson(fields.any("pattern") ? *fields.any("pattern") : nlohmann::json(), where);
    auto behavior = behaviorFrom(fields.string("behavior", ""), where);
    if (!pattern || !behavior)
      return pattern ? passError(std::move(behavior)) : passError(std::move(pattern));
    steps.push_back([pattern = *pattern, behavior = *behavior, invert = fields.boolean("invert", false)](
                        WordList &list) { return splitWords(list, pattern, behavior, invert); });
  } else if (type == "ByteLevel") {
    bool prefix = fields.boolean("add_prefix_space", true), useRegex = fields.boolean("use_regex", true);
    fields.ignore({"trim_offsets"}); // offsets only
    if (auto added = addByteLevel(prefix, useRegex); !added)
      return added;
  } else if (type == "Metaspace") {
    auto metaspace = Metaspace::fromJson(fields);
    if (!metaspace)
      return passError(std::move(metaspace));
    addMetaspace(*metaspace, fields.boolean("split", true));
  } else if (type == "Digits") {
    auto behavior = fields.boolean("individual_digits", false) ? SplitBehavior::Isolated : SplitBehavior::Contiguous;
    addClass(isNumeric, behavior);
  } else if (type == "Punctuation") {
    auto behavior = behaviorFrom(fields.string("behavior", "Isolated"), where);
    if (!behavior)
      return passError(std::move(behavior));
    addClass(isPunctuation, *behavior);
  } else if (type == "WhitespaceSplit") {
    addClass(isWhiteSpace, SplitBehavior::Removed);
  } else {
    return makeError("{}: pre-tokenizer '{}' is not supported", where, type);
  }
  return fields.finish();
}

void PreTokenizer::addClass(bool (*isDelimiter)(char32_t), SplitBehavior behavior) {
  steps.push_back([isDelimiter, behavior](WordList &list) -> Expected<void> {
    splitWords(list, isDelimiter, behavior);
    return {};
  });
}

Expected<void> PreTokenizer::addByteLevel(bool prefixSpace, bool useRegex) {
  if (prefixSpace)
    steps.push_back([](WordList &list) {
      return rewriteWords(list, [](std::string_view word, bool, std::string &out) {
        if (word[0] != ' ')
          out.push_back(' ');
        out.append(word);
      });
    });
  if (useRegex) {
    auto pattern = TextPattern::regex(kGpt2Pattern);
    if (!pattern)
      return passError(std::move(pattern));
    steps.push_back([pattern = *pattern](WordList &list) {
      return splitWords(list, pattern, SplitBehavior::Isolated, /*invert=*/false);
    });
  }
  steps.push_back([](WordList &list) {
    return rewriteWords(list, [](std::string_view word, bool, std::string &out) { appendByteLevel(out, word); });
  });
  return {};
}

void PreTokenizer::addMetaspace(const Metaspace &metaspace, bool split) {
  auto delimiter = TextPattern::literal(metaspace.replacement);
  steps.push_back([metaspace, split, delimiter](WordList &list) -> Expected<void> {
    auto rewritten = rewriteWords(list, [&](std::string_view word, bool isFirst, std::string &out) {
      metaspace.appendReplaced(word, isFirst, out);
    });
    if (!rewritten || !split)
      return rewritten;
    return splitWords(list, *delimiter, SplitBehavior::MergedWithNext, /*invert=*/false);
  });
}

Expected<WordList> PreTokenizer::apply(std::string text, bool startsInput) const {
  WordList list{std::move(text), {}, startsInput};
  if (!list.text.empty())
    list.words.push_back({0, list.text.size()});
  size_t limit = largestRewrite(list.text.size());
  for (const Step &step : steps) {
    if (auto done = step(list); !done)
      return passError(std::move(done));
    if (list.text.size() > limit)
      return makeError("the tokenizer's pre-tokenizer makes the text too long");
  }
  return list;
}

} // namespace quipu
