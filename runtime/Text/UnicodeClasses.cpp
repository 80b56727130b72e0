#include "runtime/Text/UnicodeClasses.h"

#include "runtime/Support/Utf8.h"

#include <algorithm>
#include <cstdint>
#include <utf8proc.h>
#include <vector>

namespace quipu {

static utf8proc_category_t categoryOf(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool isWhiteSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool isNumeric(char32_t c) {
  utf8proc_category_t category = categoryOf(c);
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool isPunctuation(char32_t c) {
  if (c < 0x80)
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  utf8proc_category_t category = categoryOf(c);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool isWordCharacter(char32_t c) {
  utf8proc_category_t category = categoryOf(c);
  bool letterOrMark = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ME;
  if (letterOrMark || category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
      category == UTF8PROC_CATEGORY_PC)
    return true;
  // Alphabetic characters that are symbols (circled and squared letters), and the two joiners.
  return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
         (c >= 0x1F170 && c <= 0x1F189) || c == 0x200C || c == 0x200D;
}

static int combiningClass(utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; }

// Canonical order: runs of marks sorted by combining class, those of one class as they stood. utf8proc's own sort is
// quadratic in the length of a run.
static void orderMarks(std::vector<utf8proc_int32_t> &text) {
  auto isMark = [](utf8proc_int32_t c) { return combiningClass(c) != 0; };
  std::vector<uint64_t> keys; // class, place in the run, code point: 8, 35 and 21 bits
  for (auto begin = text.begin(); begin != text.end();) {
    begin = std::find_if(begin, text.end(), isMark);
    auto end = std::find_if_not(begin, text.end(), isMark);
    keys.clear();
    for (auto it = begin; it != end; ++it)
      keys.push_back(uint64_t(combiningClass(*it)) << 56 | uint64_t(it - begin) << 21 | static_cast<uint32_t>(*it));
    std::sort(keys.begin(), keys.end());
    for (uint64_t key : keys)
      *begin++ = static_cast<utf8proc_int32_t>(key & 0x1FFFFF);
  }
}

static std::vector<utf8proc_int32_t> decompose(std::string_view text, utf8proc_option_t options) {
  std::vector<utf8proc_int32_t> out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    Utf8Scan scan = scanUtf8(text.substr(at, 4));
    at += scan.length;
    utf8proc_int32_t parts[32]; // the longest decomposition of a character has 18 parts
    int boundClass = 0;
    auto count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(scan.codePoint), parts, 32, options, &boundClass);
    if (count < 0 || count > 32)
      out.push_back(static_cast<utf8proc_int32_t>(scan.codePoint));
    else
      out.insert(out.end(), parts, parts + count);
  }
  return out;
}

std::string normalizeUnicode(std::string_view text, NormalForm form) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    return std::string(text);
  bool compatible = form == NormalForm::NFKC || form == NormalForm::NFKD;
  bool composed = form == NormalForm::NFC || form == NormalForm::NFKC;
  int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
  std::vector<utf8proc_int32_t> codePoints = decompose(text, static_cast<utf8proc_option_t>(options));
  orderMarks(codePoints);
  if (composed) {
    auto compose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    auto count = utf8proc_normalize_utf32(codePoints.data(), static_cast<utf8proc_ssize_t>(codePoints.size()), compose);
    codePoints.resize(static_cast<size_t>(count));
  }
  std::string out;
  out.reserve(text.size());
  for (utf8proc_int32_t c : codePoints)
    appendUtf8(out, static_cast<char32_t>(c));
  return out;
}

std::string lowercaseUnicode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    Utf8Scan scan = scanUtf8(text.substr(at, 4));
    at += scan.length;
    if (scan.codePoint == 0x130) // the one character whose lower case is two: i and a combining dot
      out += "i\xCC\x87";
    else
      appendUtf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(scan.codePoint))));
  }
  return out;
}

} // namespace quipu
