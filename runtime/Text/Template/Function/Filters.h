// value | filter(arguments)
#pragma once

#include "runtime/Text/Template/Value/Arguments.h"

namespace quipu::jinja {

using Filter = Value (*)(const Value &input, Arguments &arguments, Budget &budget);
Filter findFilter(std::string_view name); // null: there is none

Filter findTextFilter(std::string_view name);
Filter findSequenceFilter(std::string_view name);

} // namespace quipu::jinja
