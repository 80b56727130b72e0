// SentencePiece's compiled normalisation rules (precompiled_charsmap, for example nmt_nfkc): a double-array trie of
// the character sequences to replace, as the Darts-clone library lays it out, and the replacements after it.
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

class CharsMap {
public:
  // An empty blob replaces nothing.
  static Expected<CharsMap> parse(std::string_view blob, const std::string &name);

  struct Replacement {
    size_t length; // bytes of the text that are replaced
    std::string_view by;
  };
  // The longest rule that applies at the start of the text.
  std::optional<Replacement> longest(std::string_view text) const;

private:
  uint32_t unit(size_t index) const { return index < units.size() ? units[index] : 0; }

  std::vector<uint32_t> units;
  std::string replacements; // each ends in a NUL
};

} // namespace quipu
