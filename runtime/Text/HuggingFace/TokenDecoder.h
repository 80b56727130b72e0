// The "decoder" of tokenizer.json, in a form that works token by token, so that text can be streamed.
#pragma once

#include "runtime/Support/Error.h"
#include "runtime/Text/DecodeStream.h"

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

class JsonFields;

class TokenDecoder {
public:
  static Expected<TokenDecoder> fromJson(const nlohmann::json *json, const std::string &where);

  // Appends what a token stands for; `isFirst`: no token came before it.
  void append(std::string_view token, bool isFirst, std::string &out) const;
  InvalidBytes invalidBytes() const { return invalid; }
  const LeadingStrip &leadingStrip() const { return strip; }

private:
  // Rewrites a token's text in place. Gives false where the rest of the steps does not apply to it.
  using Step = std::function<bool(std::string &text, bool isFirst)>;

  Expected<void> add(const nlohmann::json &json, const std::string &where);
  Expected<void> addReplace(JsonFields &fields);
  Expected<void> addStrip(JsonFields &fields);

  std::vector<Step> steps;
  InvalidBytes invalid = InvalidBytes::PerSequence;
  LeadingStrip strip;
  bool fused = false; // steps from here on see the whole text
};

} // namespace quipu
