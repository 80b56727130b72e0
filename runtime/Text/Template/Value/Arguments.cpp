#include "runtime/Text/Template/Value/Arguments.h"

#include <algorithm>

namespace quipu::jinja {

void Arguments::bind(std::string_view callee, std::initializer_list<const char *> parameters) {
  bound = callee;
  names = parameters;
  if (positional.size() > names.size())
    fail("{} takes at most {} arguments, got {}", callee, names.size(), positional.size());
  for (const auto &argument : named) {
    auto found = std::find_if(names.begin(), names.end(), [&](const char *name) { return argument.first == name; });
    if (found == names.end())
      fail("{} takes no argument '{}'", callee, argument.first);
    if (found - names.begin() < static_cast<ptrdiff_t>(positional.size()))
      fail("{} got two values for '{}'", callee, argument.first);
  }
}

const Value *Arguments::find(size_t place) const {
  if (place < positional.size())
    return &positional[place];
  for (const auto &argument : named)
    if (argument.first == names[place])
      return &argument.second;
  return nullptr;
}

const Value &Arguments::at(size_t place) const {
  const Value *value = find(place);
  if (!value)
    fail("{} needs the argument '{}'", bound, names[place]);
  return *value;
}

std::string Arguments::text(size_t place, const char *fallback) const {
  const Value *value = find(place);
  return value ? stringOf(*value, bound) : fallback;
}

int64_t Arguments::integer(size_t place, int64_t fallback) const {
  const Value *value = find(place);
  return value ? integerOf(*value, bound) : fallback;
}

bool Arguments::truth(size_t place, bool fallback) const {
  const Value *value = find(place);
  return value ? truthOf(*value) : fallback;
}

int64_t integerOf(const Value &value, std::string_view user) {
  if (value.is(Kind::Undefined))
    fail("{}", value.missing());
  if (!value.isIntegral())
    fail("{} needs an integer, got '{}'", user, typeName(value));
  return value.asInteger();
}

const std::string &stringOf(const Value &value, std::string_view user) {
  if (value.is(Kind::Undefined))
    fail("{}", value.missing());
  if (!value.is(Kind::String))
    fail("{} needs a string, got '{}'", user, typeName(value));
  return value.asString();
}

} // namespace quipu::jinja
