#include "runtime/Text/HuggingFace/TokenDecoder.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/HuggingFace/ByteLevel.h"
#include "runtime/Text/HuggingFace/Metaspace.h"
#include "runtime/Text/Json.h"

namespace quipu {

using nlohmann::json;

namespace {

// <0xAB> is one byte; other tokens are text.
bool readByteToken(std::string &text) {
  auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  if (text.size() != 6 || text.compare(0, 3, "<0x") != 0 || text[5] != '>' || digit(text[3]) < 0 || digit(text[4]) < 0)
    return false;
  text.assign(1, static_cast<char>(digit(text[3]) * 16 + digit(text[4])));
  return true;
}

void replaceMetaspace(const Metaspace &metaspace, std::string &text, bool isFirst) {
  bool drop = isFirst && metaspace.prepend != Metaspace::Prepend::Never;
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text.compare(at, metaspace.replacement.size(), metaspace.replacement) == 0) {
      if (!drop)
        out.push_back(' ');
      at += metaspace.replacement.size();
    } else {
      out.push_back(text[at++]);
    }
  }
  text = std::move(out);
}

} // namespace

Expected<TokenDecoder> TokenDecoder::fromJson(const json *json, const std::string &where) {
  TokenDecoder decoder;
  if (!json) // the format's rule: tokens with a space between
    decoder.steps.push_back([](std::string &text, bool isFirst) {
      if (!isFirst)
        text.insert(0, " ");
      return true;
    });
  else if (auto added = decoder.add(*json, where); !added)
    return passError(std::move(added));
  return decoder;
}

Expected<void> TokenDecoder::add(const json &json, const std::string &where) {
  JsonFields fields(json, where);
  std::string type = fields.string("type", "");
  if (fused && type != "Strip" && type != "Sequence")
    return makeError("{}: decoder '{}' after Fuse is not supported", where, type);
  if (type == "Sequence") {
    const auto *parts = fields.array("decoders");
    if (!parts)
      return makeError("{}: 'decoders' is missing", where);
    for (const auto &part : *parts)
      if (auto added = add(part, where); !added)
        return added;
  } else if (type == "ByteLevel") {
    fields.ignore({"add_prefix_space", "trim_offsets", "use_regex"}); // for the other direction
    steps.push_back([](std::string &text, bool) -> bool {
      std::string bytes;
      appendFromByteLevel(bytes, text);
      text = std::move(bytes);
      return false;
    });
    fused = true; // it joins all tokens
  } else if (type == "ByteFallback") {
    invalid = InvalidBytes::PerByte;
    steps.push_back([](std::string &text, bool) -> bool { return !readByteToken(text); });
  } else if (type == "Fuse") {
    fused = true;
  } else if (type == "Replace") {
    return addReplace(fields);
  } else if (type == "Strip") {
    return addStrip(fields);
  } else if (type == "Metaspace") {
    auto metaspace = Metaspace::fromJson(fields);
    if (!metaspace)
      return passError(std::move(metaspace));
    fields.ignore({"split"});
    steps.push_back([metaspace = *metaspace](std::string &text, bool isFirst) -> bool {
      replaceMetaspace(metaspace, text, isFirst);
      return true;
    });
  } else {
    return makeError("{}: decoder '{}' is not supported", where, type);
  }
  return fields.finish();
}

Expected<void> TokenDecoder::addReplace(JsonFields &fields) {
  const auto *json = fields.object("pattern");
  if (!json)
    return makeError("{}: Replace without a 'pattern'", fields.where());
  JsonFields pattern(*json, fields.where() + ": pattern");
  std::string string = pattern.string("String", ""), content = fields.string("content", "");
  if (auto known = pattern.finish(); !known)
    return known;
  if (string.empty())
    return makeError("{}: Replace without a 'String' to replace", fields.where());
  steps.push_back([string, content](std::string &text, bool) {
    std::string out;
    size_t done = 0;
    for (size_t at; (at = text.find(string, done)) != std::string::npos; done = at + string.size())
      out.append(text, done, at - done).append(content);
    text = out.append(text, done);
    return true;
  });
  return fields.finish();
}

Expected<void> TokenDecoder::addStrip(JsonFields &fields) {
  std::string character = fields.string("content", " ");
  int64_t start = fields.integer("start", 0), stop = fields.integer("stop", 0);
  if (character.empty() || scanUtf8(character).length != character.size())
    return makeError("{}: Strip 'content' must be one character", fields.where());
  if (start < 0 || start > 1000 || stop != 0)
    return makeError("{}: Strip with start {} and stop {} is not supported", fields.where(), start, stop);
  if (!fused || strip.count > 0)
    return makeError("{}: Strip is supported once, after Fuse", fields.where());
  strip = {character, static_cast<uint32_t>(start)};
  return fields.finish();
}

void TokenDecoder::append(std::string_view token, bool isFirst, std::string &out) const {
  std::string text(token);
  for (const Step &step : steps)
    if (!step(text, isFirst))
      break;
  out.append(text);
}

} // namespace quipu
