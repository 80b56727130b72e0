// Regular expressions of tokenizer.json are written for Oniguruma; PCRE2 reads most of that syntax, and some of it with
// another meaning.
#pragma once

#include "runtime/Support/Error.h"

#include <string>
#include <string_view>

namespace quipu {

// Rewrites an Oniguruma pattern for PCRE2 (UTF, UCP, MULTILINE) so that it matches the same texts. What cannot be
// rewritten is an error that names the construct.
Expected<std::string> translateOniguruma(std::string_view pattern);

} // namespace quipu
