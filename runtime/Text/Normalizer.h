// The "normalizer" of tokenizer.json: rewrites a text before it is split into words.
#pragma once

#include "runtime/Support/Error.h"

#include <algorithm>
#include <cstdint>
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

// What a text may grow to: a few bytes of a hostile tokenizer must not make gigabytes, and offsets have 31 bits.
inline size_t largestRewrite(size_t bytes) { return std::min<size_t>(64 * bytes + 65536, INT32_MAX); }

} // namespace quipu
