// What a tokenizer of any format gives: ids for a text, text for ids.
#pragma once

#include "runtime/Support/Error.h"
#include "runtime/Text/DecodeStream.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

// What a text may grow to: a few bytes of a hostile tokenizer must not make gigabytes, and offsets have 31 bits.
inline size_t largestRewrite(size_t bytes) { return std::min<size_t>(64 * bytes + 65536, INT32_MAX); }

class TextModel {
public:
  virtual ~TextModel() = default;

  // Appends the ids of a text, which is valid UTF-8. Without `parseSpecial` special tokens are ordinary text.
  virtual Expected<void> encode(std::string_view text, bool parseSpecial, std::vector<int32_t> &ids) const = 0;

  // Special tokens that the format itself puts before and after a text.
  virtual std::vector<int32_t> before() const = 0;
  virtual std::vector<int32_t> after() const = 0;

  // Appends the bytes a token stands for; `isFirst` says that no text came before it. Gives whether the next token is
  // still the first in that sense.
  virtual bool appendDecoded(int32_t id, bool isFirst, std::string &out) const = 0;
  virtual InvalidBytes invalidBytes() const = 0;
  virtual LeadingStrip const &leadingStrip() const = 0;

  virtual bool isSpecial(int32_t id) const = 0;
  virtual int32_t find(std::string_view token) const = 0;   // -1: no such token
  virtual std::string_view tokenText(int32_t id) const = 0; // as the vocabulary spells it; empty: no such id
  virtual int32_t size() const = 0;                         // largest id plus one
};

} // namespace quipu
