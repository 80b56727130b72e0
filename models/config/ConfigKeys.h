// What the field's config.json keys mean for a family that does not read them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

namespace quipu::models {

enum class UnreadKey {
  Harmless,       // of training, of the tokenizer, of another program; or at the value that means "off"
  ChangesMeaning, // the model computes something else with it: refuse
  Unknown,        // warn
};

// Keys that are refused where a family does not read them, but at a value that means "off".
std::vector<std::string_view> keysThatChangeMeaning();

UnreadKey judgeUnreadKey(std::string_view key, const nlohmann::json &value);

} // namespace quipu::models
