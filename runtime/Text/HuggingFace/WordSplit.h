// Cutting words at the matches of a pattern.
#pragma once

#include "runtime/Text/HuggingFace/PreTokenizer.h"

namespace quipu {

// Cuts every word at the matches of `pattern`, or at what lies between them where `invert` is set.
Expected<void> splitWords(WordList &list, const TextPattern &pattern, SplitBehavior behavior, bool invert);

// Cuts every word at each character for which the predicate holds.
void splitWords(WordList &list, bool (*isDelimiter)(char32_t), SplitBehavior behavior);

} // namespace quipu
