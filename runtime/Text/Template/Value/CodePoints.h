// Strings as Python sees them: sequences of code points. All texts here are valid UTF-8.
#pragma once

#include "runtime/Text/Template/Value/Value.h"

#include <string>
#include <string_view>

namespace quipu::jinja {

bool isAscii(std::string_view text);
size_t countCodePoints(const TextObject &text);
size_t countCodePoints(std::string_view text);
std::string_view firstCharacter(std::string_view text); // of a text that is not empty

std::u32string toCodePoints(std::string_view text);
std::string fromCodePoints(std::u32string_view codePoints);

bool isPythonSpace(char32_t c); // str.isspace(): White_Space and four separators of ASCII
bool isPrintable(char32_t c);   // str.isprintable(): what repr() does not escape

// Without the characters of `characters` at its ends; white space where that is null.
enum class Side { Left, Right, Both };
std::string_view strip(std::string_view text, Side side, const std::string *characters = nullptr);

// str.splitlines(): at every line break that Unicode knows, without the breaks.
std::vector<std::string_view> splitLines(std::string_view text);

enum class Casing { Lower, Upper, Title, Capital, Swapped };
std::string withCase(std::string_view text, Casing casing);
enum class CaseTest { Lower, Upper };
bool hasCase(std::string_view text, CaseTest test); // islower(), isupper()

} // namespace quipu::jinja
