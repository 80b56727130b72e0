// Equality, order and membership as Python has them.
#pragma once

#include "runtime/Text/Template/Value/Value.h"

namespace quipu::jinja {

bool equal(const Value &left, const Value &right, Budget &budget);
bool identical(const Value &left, const Value &right); // `is`, as far as values have an identity
// left < right; an error where Python has no order of the two types.
bool less(const Value &left, const Value &right, Budget &budget);
// The places of keys in ascending (or descending) order; equal ones stay as they stood.
std::vector<size_t> sortedOrder(const Items &keys, bool descending, Budget &budget);
bool contains(const Value &container, const Value &item, Budget &budget); // item in container

} // namespace quipu::jinja
