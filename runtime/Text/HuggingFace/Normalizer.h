// The "normalizer" of tokenizer.json: rewrites a text before it is split into words.
#pragma once

#include "runtime/Support/Error.h"

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

class Normalizer {
public:
  // `json` may be null: the text stays as it is.
  static Expected<Normalizer> fromJson(const nlohmann::json *json, const std::string &where);

  // Takes and gives valid UTF-8.
  Expected<std::string> apply(std::string_view text) const;

private:
  using Step = std::function<Expected<void>(std::string &)>;

  Expected<void> add(const nlohmann::json &json, const std::string &where);

  std::vector<Step> steps;
};

} // namespace quipu
