#include "runtime/Text/Template/Value/TextSplitting.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/Template/Value/CodePoints.h"

#include <algorithm>

namespace quipu::jinja {

namespace {

// The end of the run of characters, at the start of the text, that are white space or are not.
size_t runOf(std::string_view text, bool space) {
  size_t at = 0;
  while (at < text.size()) {
    Utf8Scan scan = scanUtf8(text.substr(at, 4));
    if (isPythonSpace(scan.codePoint) != space)
      break;
    at += scan.length;
  }
  return at;
}

// Words with their places; cuts are made by the callers.
std::vector<std::string_view> wordsOf(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    text.remove_prefix(runOf(text, true));
    if (text.empty())
      return words;
    size_t length = runOf(text, false);
    words.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
}

std::vector<std::string_view> piecesOf(std::string_view text, const std::string &separator) {
  if (separator.empty())
    fail("split: the separator is empty");
  std::vector<std::string_view> pieces;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != std::string_view::npos; begin = end + separator.size())
    pieces.push_back(text.substr(begin, end - begin));
  pieces.push_back(text.substr(begin));
  return pieces;
}

bool isWithin(int64_t most, size_t pieces) { return most < 0 || pieces <= static_cast<uint64_t>(most) + 1; }

} // namespace

std::vector<std::string_view> splitText(std::string_view text, const std::string *separator, int64_t most) {
  std::vector<std::string_view> pieces = separator ? piecesOf(text, *separator) : wordsOf(text);
  if (isWithin(most, pieces.size()))
    return pieces;
  auto kept = static_cast<size_t>(most);
  const char *begin = pieces[kept].data();
  pieces.resize(kept);
  pieces.emplace_back(begin, static_cast<size_t>(text.data() + text.size() - begin));
  return pieces;
}

std::vector<std::string_view> splitTextFromEnd(std::string_view text, const std::string *separator, int64_t most) {
  std::vector<std::string_view> pieces;
  if (!separator) {
    pieces = wordsOf(text);
  } else { // found from the end: of "aaa" by "aa" the last two
    piecesOf("", *separator);
    size_t end = text.size();
    while (most < 0 || pieces.size() < static_cast<uint64_t>(most)) {
      size_t found = end < separator->size() ? std::string_view::npos : text.rfind(*separator, end - separator->size());
      if (found == std::string_view::npos)
        break;
      pieces.push_back(text.substr(found + separator->size(), end - found - separator->size()));
      end = found;
    }
    pieces.push_back(text.substr(0, end));
    std::reverse(pieces.begin(), pieces.end());
    return pieces;
  }
  if (isWithin(most, pieces.size()))
    return pieces;
  auto cut = pieces.end() - static_cast<ptrdiff_t>(most);
  const char *end = (cut - 1)->data() + (cut - 1)->size();
  std::vector<std::string_view> kept = {text.substr(0, static_cast<size_t>(end - text.data()))};
  kept[0] = strip(kept[0], Side::Left);
  kept.insert(kept.end(), cut, pieces.end());
  return kept;
}

std::string replaceText(std::string_view text, std::string_view old, std::string_view by, int64_t most,
                        Budget &budget) {
  std::string out;
  auto append = [&](std::string_view piece) {
    budget.work();
    budget.append(out, piece);
  };
  auto left = most < 0 ? UINT64_MAX : static_cast<uint64_t>(most);
  if (old.empty()) {
    for (; left > 0 && !text.empty(); --left) {
      append(by);
      std::string_view character = firstCharacter(text);
      append(character);
      text.remove_prefix(character.size());
    }
    append(text.empty() && left > 0 ? by : text);
    return out;
  }
  for (size_t found; left > 0 && (found = text.find(old)) != std::string_view::npos; --left) {
    append(text.substr(0, found));
    append(by);
    text.remove_prefix(found + old.size());
  }
  append(text);
  return out;
}

std::string padText(std::string_view text, int64_t width, std::string_view fill, Align align, Budget &budget) {
  auto length = static_cast<int64_t>(countCodePoints(text));
  if (width <= length)
    return std::string(text);
  auto missing = static_cast<uint64_t>(width - length);
  budget.make(missing > budget.limits.output ? missing : text.size() + missing * fill.size());
  uint64_t left = missing;
  if (align == Align::Left)
    left = 0;
  else if (align == Align::Center) // str.center() puts the odd space to the left where the width is odd
    left = missing / 2 + (missing & static_cast<uint64_t>(width) & 1);
  else if (align == Align::CenterRight)
    left = missing / 2;
  std::string out;
  for (uint64_t i = 0; i < left; ++i)
    out += fill;
  out += text;
  for (uint64_t i = left; i < missing; ++i)
    out += fill;
  return out;
}

} // namespace quipu::jinja
