// The "post_processor" of tokenizer.json, as far as it concerns one text: the special tokens put around it.
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace quipu {

struct PostProcessor {
  std::vector<int32_t> before, after;

  // `json` may be null: nothing is added.
  static Expected<PostProcessor> fromJson(const nlohmann::json *json, const std::string &where);
};

} // namespace quipu
