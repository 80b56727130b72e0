// value is test(arguments)
#pragma once

#include "runtime/Text/Template/Value/Arguments.h"

namespace quipu::jinja {

using Test = bool (*)(const Value &input, Arguments &arguments, Budget &budget);
Test findTest(std::string_view name); // null: there is none

} // namespace quipu::jinja
