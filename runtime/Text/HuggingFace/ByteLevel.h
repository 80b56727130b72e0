// GPT-2's byte-level alphabet: every byte is written as one printable character, so that any bytes can be tokens of a
// JSON vocabulary. Printable Latin-1 bytes stand for themselves; the others, in order, are U+0100, U+0101, ...
#pragma once

#include <string>
#include <string_view>

namespace quipu {

// Appends the characters of `bytes`.
void appendByteLevel(std::string &out, std::string_view bytes);

// Appends the bytes of a token's characters; a token with a character outside of the alphabet is taken as it stands.
void appendFromByteLevel(std::string &out, std::string_view token);

// How GPT-2 splits a text into words (Oniguruma syntax).
inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

} // namespace quipu
