// Typed readers for the keys of config.json, with range checks.
//
// A family reads a dozen keys in a row, and a check after each would hide what is read. So the reader keeps the first
// error and goes on: after an error every read returns a value inside the range asked for (never a zero to divide by),
// and `finish` hands the error out at the end. `finish` also judges the keys nobody read: those that are known to
// change the meaning of a model are refused, those known to be harmless are passed over, all others give a warning.
//
// A key that is absent and a key that is null are the same, but for isNull.
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace quipu::models {

template <typename T> struct Range {
  T min, max; // both included
};

class ConfigReader {
public:
  // `object` must outlive the reader. `file` names it in messages: "config.json: num_attention_heads is 0; expected
  // ...".
  ConfigReader(const nlohmann::json &object, std::string file);

  // The family's name for `key` is `other`. Where only `key` is there it is read; where both are, it is passed over.
  void alias(const std::string &key, const std::string &other) { state->aliases[key] = other; }

  bool has(const std::string &key);
  // There, with the value null: for the keys that mean something else when they are absent.
  bool isNull(const std::string &key) const;
  bool isString(const std::string &key) const;

  int64_t integer(const std::string &key, Range<int64_t> range);
  int64_t integerOr(const std::string &key, int64_t fallback, Range<int64_t> range);
  std::optional<int64_t> optionalInteger(const std::string &key, Range<int64_t> range);
  std::vector<int64_t> integers(const std::string &key, Range<int64_t> range); // one integer or a list; absent: empty
  std::vector<std::string> strings(const std::string &key);                    // a list; absent: empty

  double number(const std::string &key, Range<double> range);
  std::vector<double> numbers(const std::string &key, Range<double> range); // a list; absent: empty
  double numberOr(const std::string &key, double fallback, Range<double> range);
  std::optional<double> optionalNumber(const std::string &key, Range<double> range);

  bool booleanOr(const std::string &key, bool fallback);
  std::string stringOr(const std::string &key, std::string fallback);

  // The object under `key` (an empty one where it is absent); its keys are named "key.inner" in messages.
  ConfigReader section(const std::string &key);

  // Reports a fault found by the caller; `key` and `problem` make "config.json: KEY PROBLEM".
  void fail(const std::string &key, const std::string &problem);
  bool failed() const { return state->error.has_value(); }
  const std::optional<Error> &error() const { return state->error; } // the first

  // Every key read so far, there or not: "rope_parameters.factor".
  std::set<std::string> keysRead() const;

  // The first error, or else the keys that were not read, judged as above; warnings are appended to `warnings`.
  Expected<> finish(std::vector<std::string> &warnings);

private:
  struct Section {
    const nlohmann::json *object;
    std::string prefix; // "" or "rope_scaling."
    std::set<std::string> read;
  };
  // Shared by a reader and its sections.
  struct State {
    std::string file;
    std::optional<Error> error;
    std::vector<std::shared_ptr<Section>> sections;
    std::map<std::string, std::string> aliases;
  };

  ConfigReader(std::shared_ptr<State> state, const nlohmann::json &object, std::string prefix);
  ConfigReader(std::shared_ptr<State> state, std::shared_ptr<Section> section)
      : state(std::move(state)), self(std::move(section)) {}
  // The name that counts: the alias of a key that has one, but where only the key itself is there.
  std::string spelling(const std::string &key) const;
  const nlohmann::json *find(const std::string &key);
  void failValue(const std::string &key, const nlohmann::json *value, const std::string &expected);
  std::optional<double> toNumber(const std::string &key, const nlohmann::json &value, Range<double> range);
  std::optional<int64_t> toInteger(const std::string &key, const nlohmann::json &value, Range<int64_t> range);

  std::shared_ptr<State> state;
  std::shared_ptr<Section> self;
};

} // namespace quipu::models
