// The arguments of a call, a filter or a test.
#pragma once

#include "runtime/Text/Template/Value/Value.h"

#include <initializer_list>

namespace quipu::jinja {

struct Arguments {
  Items positional;
  std::vector<std::pair<std::string, Value>> named;

  // Names the parameters of `callee` in order; more arguments, or other names, are an error. Then find() gives them.
  void bind(std::string_view callee, std::initializer_list<const char *> parameters);

  const Value *find(size_t place) const; // of a bound parameter; null where it was not given
  const Value &at(size_t place) const;   // an error where it was not given
  // With the type checked; the fallback where it was not given.
  std::string text(size_t place, const char *fallback) const;
  int64_t integer(size_t place, int64_t fallback) const;
  bool truth(size_t place, bool fallback) const;

private:
  std::string bound; // the callee's name, for errors
  std::vector<const char *> names;
};

// Integers and truth values; an error that names the user of another value.
int64_t integerOf(const Value &value, std::string_view user);
const std::string &stringOf(const Value &value, std::string_view user);

} // namespace quipu::jinja
