// SentencePiece's way with spaces as tokenizer.json spells it: a space becomes a visible character (U+2581), and one is
// put in front of the text.
#pragma once

#include "runtime/Text/Json.h"

#include <string>
#include <string_view>

namespace quipu {

struct Metaspace {
  enum class Prepend { Always, First, Never };

  std::string replacement; // one character
  Prepend prepend = Prepend::Always;

  // Reads the fields that the pre-tokenizer and the decoder have in common.
  static Expected<Metaspace> fromJson(JsonFields &fields);

  // Appends a word with its spaces replaced; `isFirst`: the word starts the input.
  void appendReplaced(std::string_view word, bool isFirst, std::string &out) const;
};

} // namespace quipu
