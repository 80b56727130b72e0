// Operators and subscripts as Python and Jinja's sandbox have them.
#pragma once

#include "runtime/Text/Template/Value/Value.h"

namespace quipu::jinja {

enum class Operator : uint8_t { Add, Subtract, Multiply, Divide, FloorDivide, Modulo, Power };

Value apply(Operator op, const Value &left, const Value &right, Budget &budget);
Value negate(const Value &value);

// value[index] and value.name: undefined where there is no such item or attribute. A subscript falls back to
// attributes and an attribute to items, so message["role"] and message.role are one thing but where a method has the
// name: message.items is the method.
Value subscript(const Value &value, const Value &index, Budget &budget);
Value attribute(const Value &value, std::string_view name, Budget &budget);
// value[start:stop:step]; None or undefined: left out.
Value slice(const Value &value, const Value &start, const Value &stop, const Value &step, Budget &budget);

// &, <, > and both quotes as HTML names them.
std::string escapeHtml(std::string_view text, Budget &budget);

} // namespace quipu::jinja
