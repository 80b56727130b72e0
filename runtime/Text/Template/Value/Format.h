// "%s: %d" % values and "{}: {:>8}".format(values).
#pragma once

#include "runtime/Text/Template/Value/Arguments.h"

#include <string>

namespace quipu::jinja {

// `values` is a tuple of them, a dict for %(name)s, or the one value.
std::string formatPercent(std::string_view pattern, const Value &values, Budget &budget);

// Fields are {}, {0}, {name}, {name.attribute[key]}, with !s, !r and a format specification.
std::string formatBraces(std::string_view pattern, const Arguments &arguments, Budget &budget);

} // namespace quipu::jinja
