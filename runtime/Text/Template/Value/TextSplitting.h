// str.split() and its kin.
#pragma once

#include "runtime/Text/Template/Budget.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quipu::jinja {

// At most `most` cuts, all of them where it is negative. A null separator stands for runs of white space.
std::vector<std::string_view> splitText(std::string_view text, const std::string *separator, int64_t most);
std::vector<std::string_view> splitTextFromEnd(std::string_view text, const std::string *separator, int64_t most);

// An empty `old` stands before every character and at the end.
std::string replaceText(std::string_view text, std::string_view old, std::string_view by, int64_t most, Budget &budget);

enum class Align { Left, Right, Center, CenterRight }; // CenterRight: the odd space goes to the left, as format() does
// Filled up to `width` characters; the fill is one character.
std::string padText(std::string_view text, int64_t width, std::string_view fill, Align align, Budget &budget);

} // namespace quipu::jinja
