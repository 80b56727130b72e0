// The fields of a SentencePiece tokenizer.model (a protocol buffer, sentencepiece_model.proto) that decide how a BPE
// model turns text into ids.
#pragma once

#include "runtime/Support/Error.h"

#include <string>
#include <string_view>
#include <vector>

namespace quipu {

struct SentencePieceFile {
  enum class PieceType { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };
  struct Piece {
    std::string_view text; // points into the file's bytes
    float score = 0;
    PieceType type = PieceType::Normal;
  };

  std::vector<Piece> pieces; // the index is the id
  // trainer_spec
  bool whiteSpaceAsSuffix = false;
  bool byteFallback = false;
  std::string_view unknownSurface = " \xE2\x81\x87 ";
  std::string_view bosPiece = "<s>", eosPiece = "</s>";
  // normalizer_spec
  std::string_view charsMap;
  bool addDummyPrefix = true;
  bool removeExtraSpaces = true;
  bool escapeSpaces = true;

  // Only BPE models are accepted; errors begin with `name`.
  static Expected<SentencePieceFile> parse(std::string_view bytes, const std::string &name);

  // A BPE model's file with these fields, as parse reads it.
  std::string toBytes() const;
};

} // namespace quipu
