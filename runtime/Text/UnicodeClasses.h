// Character classes and normal forms of Unicode, from utf8proc.
#pragma once

#include <string>
#include <string_view>

namespace quipu {

bool isWhiteSpace(char32_t c);    // the property White_Space
bool isNumeric(char32_t c);       // categories Nd, Nl, No
bool isPunctuation(char32_t c);   // categories P*, and all ASCII punctuation
bool isWordCharacter(char32_t c); // \w of UTS #18: Alphabetic, marks, digits, connectors, joiners

enum class NormalForm { NFC, NFD, NFKC, NFKD };

// Takes and gives valid UTF-8. Linear but for the sort of each run of combining marks.
std::string normalizeUnicode(std::string_view text, NormalForm form);

// Lower case of each character by itself, without the context rules (final sigma).
std::string lowercaseUnicode(std::string_view text);

} // namespace quipu
