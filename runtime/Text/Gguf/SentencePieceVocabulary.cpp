#include "runtime/Text/Gguf/GgufVocabulary.h"
#include "runtime/Text/SentencePiece/SentencePieceFile.h"

#include <deque>

namespace quipu {

static std::string withEscapedSpaces(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == ' ')
      out += "\xE2\x96\x81";
    else
      out += c;
  }
  return out;
}

Expected<std::string> sentencePieceBytes(const GgufVocabulary &given, const std::string &name) {
  using PieceType = SentencePieceFile::PieceType;
  if (given.scores.size() != given.tokens.size())
    return makeError("{}: tokenizer.ggml.scores has {} entries; expected {}, one for each token", name,
                     given.scores.size(), given.tokens.size());
  SentencePieceFile file;
  std::deque<std::string> escaped; // texts that pieces point to
  bool unknownById = given.unknown >= 0 && given.unknown < static_cast<int64_t>(given.tokens.size());
  for (size_t id = 0; id < given.tokens.size(); ++id) {
    auto type = given.types.empty() ? PieceType::Normal : static_cast<PieceType>(given.types[id]);
    // llama.cpp's converter gives this type to tokens that only fill the table of embeddings.
    if (type == PieceType::Unknown && unknownById)
      type = PieceType::Unused;
    std::string_view text = given.tokens[id];
    if (type == PieceType::UserDefined && text.find(' ') != text.npos) // SentencePiece has spaces as U+2581
      text = escaped.emplace_back(withEscapedSpaces(text));
    file.pieces.push_back({text, given.scores[id], type});
    file.byteFallback |= type == PieceType::Byte;
  }
  if (unknownById)
    file.pieces[given.unknown].type = PieceType::Unknown;
  // As Llama's tokenizer.model: the text as it is, with a space before it.
  file.addDummyPrefix = given.addSpacePrefix.value_or(true);
  file.removeExtraSpaces = false;
  return file.toBytes();
}

} // namespace quipu
