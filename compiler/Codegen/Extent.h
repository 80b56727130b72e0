// Sizes of operands as signatures write them: "n * (1 + gated)".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace quipu {

// Value of a parameter, flags as 0 or 1; none where it is not known.
using ExtentParams = std::function<std::optional<int64_t>(std::string_view name)>;

// Sums, differences, products and quotients (rounded down) of whole numbers and names of parameters, with parentheses.
// None where a parameter is not known, where it divides by zero, and for text that is no such expression.
std::optional<int64_t> evaluateExtent(std::string_view expression, const ExtentParams &params);

} // namespace quipu
