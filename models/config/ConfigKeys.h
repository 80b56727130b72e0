// What the field's config.json keys mean for a family that does not read them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace quipu::models {

enum class UnreadKey {
  Harmless,       // of training, of the tokenizer, of another program; or at the value that means "off"
  ChangesMeaning, // the model computes something else with it: refuse
  Unknown,        // warn
};

UnreadKey judgeUnreadKey(std::string_view key, const nlohmann::json &value);

} // namespace quipu::models
