// UTF-8 as the Unicode standard's table 3-7 defines it: no surrogates, no overlong forms, nothing above U+10FFFF.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quipu {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD"; // U+FFFD

struct Utf8Scan {
  enum Kind { Complete, Incomplete, Invalid };
  Kind kind;
  // Complete: bytes of the character. Incomplete: all bytes of the text, which more bytes could make a character.
  // Invalid: bytes of the maximal subpart, the run that one U+FFFD stands for (at least 1).
  unsigned length;
  char32_t codePoint; // of a complete character
};

// Looks at the first character of a text that is not empty.
inline Utf8Scan scanUtf8(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned lead = byte(0);
  if (lead < 0x80)
    return {Utf8Scan::Complete, 1, lead};
  if (lead < 0xC2 || lead > 0xF4)
    return {Utf8Scan::Invalid, 1, 0};
  unsigned need = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80; // bounds of the second byte
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t codePoint = lead & (0x7F >> need);
  for (unsigned i = 1; i < need; ++i) {
    if (i == text.size())
      return {Utf8Scan::Incomplete, i, 0};
    unsigned next = byte(i);
    if (next < low || next > high)
      return {Utf8Scan::Invalid, i, 0};
    codePoint = codePoint << 6 | (next & 0x3F);
    low = 0x80, high = 0xBF;
  }
  return {Utf8Scan::Complete, need, codePoint};
}

// The byte offset of the first character that is not valid UTF-8 (cut short at the end included), or nothing.
inline std::optional<size_t> findInvalidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    Utf8Scan scan = scanUtf8(text.substr(at, 4));
    if (scan.kind != Utf8Scan::Complete)
      return at;
    at += scan.length;
  }
  return std::nullopt;
}

// Appends one code point, which must be a Unicode scalar value.
inline void appendUtf8(std::string &out, char32_t codePoint) {
  auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  auto continuation = [&](unsigned shift) { put(0x80 | (codePoint >> shift & 0x3F)); };
  if (codePoint < 0x80) {
    put(codePoint);
  } else if (codePoint < 0x800) {
    put(0xC0 | codePoint >> 6);
    continuation(0);
  } else if (codePoint < 0x10000) {
    put(0xE0 | codePoint >> 12);
    continuation(6);
    continuation(0);
  } else {
    put(0xF0 | codePoint >> 18);
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

} // namespace quipu
