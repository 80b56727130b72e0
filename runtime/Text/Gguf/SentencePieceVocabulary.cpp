#include "runtime/Text/Gguf/GgufVocabulary.h"
#include "runtime/Text/SentencePiece/SentencePieceFile.h"

#include <algorithm>

namespace quipu {

Expected<std::string> sentencePieceBytes(const GgufVocabulary &given, const std::string &name) {
  using PieceType = SentencePieceFile::PieceType;
  if (given.scores.size() != given.tokens.size())
    return makeError("{}: tokenizer.ggml.scores has {} entries; expected {}, one for each token", name,
                     given.scores.size(), given.tokens.size());
  SentencePieceFile file;
  for (size_t id = 0; id < given.tokens.size(); ++id) {
    auto type = given.types.empty() ? PieceType::Normal : static_cast<PieceType>(given.types[id]);
    file.pieces.push_back({given.tokens[id], given.scores[id], type});
    file.byteFallback |= type == PieceType::Byte;
  }
  // A file without types still says which token stands for what is unknown.
  if (given.types.empty() && given.unknown >= 0 && given.unknown < static_cast<int64_t>(file.pieces.size()))
    file.pieces[given.unknown].type = PieceType::Unknown;
  // As Llama's tokenizer.model: the text as it is, with a space before it.
  file.addDummyPrefix = given.addSpacePrefix.value_or(true);
  file.removeExtraSpaces = false;
  return file.toBytes();
}

} // namespace quipu
