// What values have behind a dot: the methods of Python's types, attributes of namespaces and of `loop`.
#pragma once

#include "runtime/Text/Template/Value/Arguments.h"

#include <optional>

namespace quipu::jinja {

// A method as a callable, or an attribute; nothing where the type has none of this name. Methods that would change a
// list or a dict are undefined, as in Jinja's sandbox.
std::optional<Value> memberOf(const Value &value, std::string_view name);

// Calls a method at once. Nothing where memberOf() gives no method.
std::optional<Value> callMethod(const Value &self, std::string_view name, Arguments &arguments, Budget &budget);

using Method = Value (*)(const Value &self, Arguments &arguments, Budget &budget);
Method findStringMethod(std::string_view name);
Method findListMethod(std::string_view name);
Method findDictMethod(std::string_view name);
Method findLoopMethod(std::string_view name);

} // namespace quipu::jinja
