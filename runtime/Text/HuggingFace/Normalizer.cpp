#include "runtime/Text/HuggingFace/Normalizer.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/HuggingFace/TextPattern.h"
#include "runtime/Text/Json.h"
#include "runtime/Text/TextModel.h"
#include "runtime/Text/UnicodeClasses.h"

#include <optional>

namespace quipu {

using nlohmann::json;

namespace {

std::optional<NormalForm> normalForm(std::string_view name) {
  constexpr std::pair<std::string_view, NormalForm> forms[] = {
      {"NFC", NormalForm::NFC}, {"NFD", NormalForm::NFD}, {"NFKC", NormalForm::NFKC}, {"NFKD", NormalForm::NFKD}};
  for (const auto &[known, form] : forms)
    if (known == name)
      return form;
  return std::nullopt;
}

void stripLeft(std::string &text) {
  size_t at = 0;
  while (at < text.size()) {
    Utf8Scan scan = scanUtf8(std::string_view(text).substr(at, 4));
    if (!isWhiteSpace(scan.codePoint))
      break;
    at += scan.length;
  }
  text.erase(0, at);
}

void stripRight(std::string &text) {
  size_t end = text.size();
  while (end > 0) {
    size_t begin = end - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
      --begin;
    if (!isWhiteSpace(scanUtf8(std::string_view(text).substr(begin, end - begin)).codePoint))
      break;
    end = begin;
  }
  text.resize(end);
}

Expected<void> replaceAll(std::string &text, const TextPattern &pattern, const std::string &content) {
  PatternSearch search(pattern);
  auto matches = search.matches(text);
  if (!matches)
    return passError(std::move(matches));
  if (text.size() + (*matches)->size() * content.size() > largestRewrite(text.size()))
    return makeError("the tokenizer's normalizer makes the text too long");
  std::string out;
  size_t at = 0;
  for (const Span &span : **matches) {
    out.append(text, at, span.begin - at).append(content);
    at = span.end;
  }
  text = out.append(text, at);
  return {};
}

} // namespace

Expected<Normalizer> Normalizer::fromJson(const json *json, const std::string &where) {
  Normalizer normalizer;
  if (json)
    if (auto added = normalizer.add(*json, where); !added)
      return passError(std::move(added));
  return normalizer;
}

Expected<void> Normalizer::add(const json &json, const std::string &where) {
  JsonFields fields(json, where);
  std::string type = fields.string("type", "");
  if (type == "Sequence") {
    const auto *parts = fields.array("normalizers");
    if (!parts)
      return makeError("{}: 'normalizers' is missing", where);
    for (const auto &part : *parts)
      if (auto added = add(part, where); !added)
        return added;
    return fields.finish();
  }
  if (auto form = normalForm(type)) {
    steps.push_back([form = *form](std::string &text) -> Expected<void> {
      text = normalizeUnicode(text, form);
      return {};
    });
  } else if (type == "Lowercase") {
    steps.push_back([](std::string &text) -> Expected<void> {
      text = lowercaseUnicode(text);
      return {};
    });
  } else if (type == "Prepend") {
    steps.push_back([prefix = fields.string("prepend", "")](std::string &text) -> Expected<void> {
      if (!text.empty())
        text.insert(0, prefix);
      return {};
    });
  } else if (type == "Strip") {
    bool left = fields.boolean("strip_left", true), right = fields.boolean("strip_right", true);
    steps.push_back([left, right](std::string &text) -> Expected<void> {
      if (left)
        stripLeft(text);
      if (right)
        stripRight(text);
      return {};
    });
  } else if (type == "Replace") {
    std::string content = fields.string("content", "");
    auto pattern = TextPattern::fromJson(fields.any("pattern") ? *fields.any("pattern") : nlohmann::json(), where);
    if (!pattern)
      return passError(std::move(pattern));
    steps.push_back([content, pattern = *pattern](std::string &text) { return replaceAll(text, pattern, content); });
  } else {
    return makeError("{}: normalizer '{}' is not supported", where, type);
  }
  return fields.finish();
}

Expected<std::string> Normalizer::apply(std::string_view text) const {
  std::string out(text);
  for (const Step &step : steps) {
    if (auto done = step(out); !done)
      return passError(std::move(done));
    if (out.size() > largestRewrite(text.size()))
      return makeError("the tokenizer's normalizer makes the text too long");
  }
  return out;
}

} // namespace quipu
