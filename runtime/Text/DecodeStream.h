// Text from tokens, one token at a time: gives out characters as soon as their last byte is there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quipu {

class TextModel;

// What U+FFFD stands for where bytes are not UTF-8: for each maximal subpart of a character (as byte-level decoders
// do), or for each byte (as byte fallback does).
enum class InvalidBytes { PerSequence, PerByte };

// Characters taken away at the very start of the text: SentencePiece puts a space there that nobody wrote.
struct LeadingStrip {
  std::string character;
  uint32_t count = 0;
};

struct DecodeOptions {
  bool skipSpecialTokens = true;
  bool continuesText = false; // the tokens follow others, as an answer follows its prompt: a leading space stays
};

class DecodeStream {
public:
  // The model must outlive the stream.
  DecodeStream(const TextModel &model, DecodeOptions options);

  // The text that this token completes; empty while a character is unfinished. An id that has no token gives nothing.
  std::string push(int32_t id);

  // The text still held back: U+FFFD for bytes that never became a character.
  std::string finish();

private:
  std::string takeComplete(bool atEnd);
  void stripLeading(std::string &text);

  const TextModel *model;
  DecodeOptions options;
  bool isFirst;
  uint32_t leftToStrip;
  std::string pending;
};

} // namespace quipu
