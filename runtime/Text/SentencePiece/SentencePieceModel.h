// A BPE tokenizer.model of SentencePiece: normalisation of spaces and characters, then merges by score.
#pragma once

#include "runtime/Text/AddedTokens.h"
#include "runtime/Text/SentencePiece/CharsMap.h"
#include "runtime/Text/SentencePiece/SentencePieceFile.h"
#include "runtime/Text/SymbolMerger.h"
#include "runtime/Text/TextModel.h"
#include "runtime/Text/Vocabulary.h"

#include <array>
#include <memory>

namespace quipu {

class SentencePieceModel final : public TextModel {
public:
  // Errors begin with `name`.
  static Expected<std::unique_ptr<SentencePieceModel>> fromBytes(std::string bytes, const std::string &name);
  const std::string &fileBytes() const { return bytes; }

  int32_t bosId() const { return vocabulary.find(file.bosPiece); }
  int32_t eosId() const { return vocabulary.find(file.eosPiece); }

  Expected<void> encode(std::string_view text, bool parseSpecial, std::vector<int32_t> &ids) const override;
  std::vector<int32_t> before() const override { return {}; } // the file does not say
  std::vector<int32_t> after() const override { return {}; }
  bool appendDecoded(int32_t id, bool isFirst, std::string &out) const override;
  InvalidBytes invalidBytes() const override { return InvalidBytes::PerByte; }
  const LeadingStrip &leadingStrip() const override { return noStrip; } // done piece by piece in appendDecoded
  bool isSpecial(int32_t id) const override;
  int32_t find(std::string_view token) const override { return vocabulary.find(token); }
  std::string_view tokenText(int32_t id) const override { return vocabulary.text(id); }
  int32_t size() const override { return vocabulary.size(); }

private:
  using PieceType = SentencePieceFile::PieceType;

  Expected<void> addPieces(const std::string &name);
  Expected<void> findByteIds(const std::string &name);
  // The first character of the text, or its first rule or user-defined symbol, in its normal form; `taken` gets the
  // bytes of the text it stands for.
  std::string_view normalizePrefix(std::string_view text, size_t &taken) const;
  Expected<std::string> normalize(std::string_view text) const;
  Expected<void> encodeText(std::string_view text, std::vector<int32_t> &ids) const;
  void appendPiece(std::string_view piece, bool &previousUnknown, std::vector<int32_t> &ids) const;

  std::string bytes;
  SentencePieceFile file; // points into `bytes`
  Vocabulary vocabulary;
  CharsMap charsMap;
  AddedTokens special;     // control symbols, for text that spells them out
  AddedTokens userDefined; // always found, and never merged
  std::array<int32_t, 256> byteIds = {};
  int32_t unknownId = -1;
  LeadingStrip noStrip;
};

} // namespace quipu
