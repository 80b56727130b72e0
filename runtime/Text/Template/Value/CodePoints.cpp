#include "runtime/Text/Template/Value/CodePoints.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/UnicodeClasses.h"

#include <algorithm>
#include <utf8proc.h>

namespace quipu::jinja {

namespace {

bool isContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

utf8proc_category_t categoryOf(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }
bool isUpper(char32_t c) { return categoryOf(c) == UTF8PROC_CATEGORY_LU; }
bool isLower(char32_t c) { return categoryOf(c) == UTF8PROC_CATEGORY_LL; }
bool isCased(char32_t c) { return isUpper(c) || isLower(c) || categoryOf(c) == UTF8PROC_CATEGORY_LT; }

bool isLineBreak(char32_t c) {
  return (c >= '\n' && c <= '\r') || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

char32_t lower(char32_t c) { return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))); }
char32_t upper(char32_t c) { return static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))); }

// The two characters with a case of more than one character that occur in words.
void appendLower(std::string &out, char32_t c) {
  if (c == 0x130)
    out += "i\xCC\x87";
  else
    appendUtf8(out, lower(c));
}

void appendUpper(std::string &out, char32_t c, bool wholeWord) {
  if (c == 0xDF)
    out += wholeWord ? "SS" : "Ss";
  else
    appendUtf8(out, upper(c));
}

bool isStripped(char32_t c, const std::u32string *characters) {
  return characters ? characters->find(c) != std::u32string::npos : isPythonSpace(c);
}

} // namespace

bool isAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

size_t countCodePoints(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !isContinuation(c); }));
}

size_t countCodePoints(const TextObject &text) {
  return text.ascii ? text.text.size() : countCodePoints(std::string_view(text.text));
}

std::string_view firstCharacter(std::string_view text) {
  size_t length = 1;
  while (length < text.size() && isContinuation(text[length]))
    ++length;
  return text.substr(0, length);
}

std::u32string toCodePoints(std::string_view text) {
  std::u32string codePoints;
  codePoints.reserve(text.size());
  while (!text.empty()) {
    Utf8Scan scan = scanUtf8(text);
    codePoints.push_back(scan.codePoint);
    text.remove_prefix(scan.length);
  }
  return codePoints;
}

std::string fromCodePoints(std::u32string_view codePoints) {
  std::string text;
  text.reserve(codePoints.size());
  for (char32_t c : codePoints)
    appendUtf8(text, c);
  return text;
}

bool isPythonSpace(char32_t c) { return isWhiteSpace(c) || (c >= 0x1C && c <= 0x1F); }

bool isPrintable(char32_t c) {
  if (c < 0x80)
    return c >= 0x20 && c < 0x7F;
  utf8proc_category_t category = categoryOf(c);
  bool separator = category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP;
  bool other = category == UTF8PROC_CATEGORY_CN || category >= UTF8PROC_CATEGORY_CC;
  return !separator && !other;
}

std::string_view strip(std::string_view text, Side side, const std::string *characters) {
  std::u32string set = characters ? toCodePoints(*characters) : std::u32string();
  const std::u32string *only = characters ? &set : nullptr;
  while (side != Side::Right && !text.empty()) {
    Utf8Scan scan = scanUtf8(text);
    if (!isStripped(scan.codePoint, only))
      break;
    text.remove_prefix(scan.length);
  }
  while (side != Side::Left && !text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && isContinuation(text[begin]))
      --begin;
    if (!isStripped(scanUtf8(text.substr(begin)).codePoint, only))
      break;
    text = text.substr(0, begin);
  }
  return text;
}

std::vector<std::string_view> splitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    Utf8Scan scan = scanUtf8(text.substr(at, 4));
    size_t next = at + scan.length;
    if (isLineBreak(scan.codePoint)) {
      lines.push_back(text.substr(begin, at - begin));
      if (scan.codePoint == '\r' && next < text.size() && text[next] == '\n')
        ++next;
      begin = next;
    }
    at = next;
  }
  if (begin < text.size())
    lines.push_back(text.substr(begin));
  return lines;
}

std::string withCase(std::string_view text, Casing casing) {
  std::string out;
  out.reserve(text.size());
  bool wordStarts = true;
  while (!text.empty()) {
    Utf8Scan scan = scanUtf8(text);
    char32_t c = scan.codePoint;
    text.remove_prefix(scan.length);
    bool raised = casing == Casing::Upper || (casing == Casing::Swapped && isLower(c));
    bool first = (casing == Casing::Title || casing == Casing::Capital) && wordStarts;
    if (raised || first)
      appendUpper(out, c, raised);
    else
      appendLower(out, c);
    wordStarts = casing == Casing::Title && !isCased(c);
  }
  return out;
}

bool hasCase(std::string_view text, CaseTest test) {
  bool found = false;
  for (char32_t c : toCodePoints(text)) {
    if (test == CaseTest::Lower ? isUpper(c) : isLower(c))
      return false;
    found |= isCased(c);
  }
  return found;
}

} // namespace quipu::jinja
