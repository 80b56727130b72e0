// JSON from files that nobody has checked: nesting is bounded before the parser runs, and fields are read with their
// types checked, so that no exception and no deep recursion can come of them.
#pragma once

#include "runtime/Support/Error.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

namespace quipu {

// Parses `text`; errors begin with `name` (a file name).
Expected<nlohmann::json> parseJson(std::string_view text, const std::string &name);
// Likewise, with the keys of objects in the order of the text.
Expected<nlohmann::ordered_json> parseOrderedJson(std::string_view text, const std::string &name);

// The fields of one JSON object. The first wrong type is remembered and given by finish(), so that a reader can ask for
// all fields and check once. An absent field and null both give the default.
class JsonFields {
public:
  // `where` names the object in errors, for example "tokenizer.json: model".
  JsonFields(const nlohmann::json &object, std::string where);
  JsonFields(nlohmann::json &&, std::string) = delete; // only a reference is kept

  bool boolean(const char *key, bool fallback);
  int64_t integer(const char *key, int64_t fallback);
  std::string string(const char *key, std::string fallback);
  const nlohmann::json *object(const char *key); // null where absent
  const nlohmann::json *array(const char *key);
  const nlohmann::json *any(const char *key);
  void ignore(std::initializer_list<const char *> keys); // known, and without influence on what we do

  const std::string &where() const { return place; }

  // The first wrong type, or a key that was never asked for: it could change the meaning of the others.
  Expected<void> finish() const;
  // The first wrong type only, for files that carry many keys of other programs.
  Expected<void> finishIgnoringUnknownKeys() const;

private:
  const nlohmann::json *find(const char *key, bool (nlohmann::json::*hasType)() const noexcept, const char *expected);

  const nlohmann::json &source;
  std::string place;
  std::string firstError;
  std::set<std::string> asked;
};

} // namespace quipu
