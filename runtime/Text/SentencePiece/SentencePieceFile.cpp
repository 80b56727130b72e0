#include "runtime/Text/SentencePiece/SentencePieceFile.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace quipu {

namespace {

// Walks the fields of one protocol buffer message. Nested messages are read by a reader of their own.
class MessageReader {
public:
  explicit MessageReader(std::string_view bytes) : rest(bytes) {}

  // Goes to the next field; false at the end or where the bytes are no message.
  bool next() {
    if (rest.empty() || !good)
      return false;
    uint64_t tag = varint();
    number = tag >> 3;
    value = 0;
    bytes = {};
    switch (tag & 7) {
    case 0:
      value = varint();
      break;
    case 1:
      take(8);
      break;
    case 2:
      take(varint());
      break;
    case 5:
      take(4);
      break;
    default:
      good = false;
    }
    wire = static_cast<unsigned>(tag & 7);
    good = good && number != 0;
    return good;
  }

  uint64_t field() const { return number; }
  bool ok() const { return good; }

  // The value of the field; a wire type that does not fit makes the message bad.
  std::string_view text() { return expect(2) ? bytes : std::string_view(); }
  uint64_t integer() { return expect(0) ? value : 0; }
  bool boolean() { return integer() != 0; }
  float real() {
    float result = 0;
    if (expect(5))
      std::memcpy(&result, bytes.data(), sizeof result); // little-endian, as every machine we run on
    return result;
  }

private:
  bool expect(unsigned type) {
    good = good && wire == type;
    return good;
  }

  uint64_t varint() {
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      unsigned char byte = static_cast<unsigned char>(rest[0]);
      rest.remove_prefix(1);
      result |= uint64_t(byte & 0x7F) << shift;
      if (byte < 0x80)
        return result;
    }
    good = false;
    return 0;
  }

  void take(uint64_t length) {
    if (length > rest.size())
      good = false;
    if (!good)
      return;
    bytes = rest.substr(0, length);
    rest.remove_prefix(length);
  }

  std::string_view rest, bytes;
  uint64_t number = 0, value = 0;
  unsigned wire = 0;
  bool good = true;
};

Expected<SentencePieceFile::Piece> readPiece(std::string_view message, size_t id, const std::string &name) {
  SentencePieceFile::Piece piece;
  uint64_t type = 1;
  MessageReader reader(message);
  while (reader.next()) {
    if (reader.field() == 1)
      piece.text = reader.text();
    else if (reader.field() == 2)
      piece.score = reader.real();
    else if (reader.field() == 3)
      type = reader.integer();
  }
  if (!reader.ok())
    return makeError("{}: piece {} is damaged", name, id);
  if (type < 1 || type > 6)
    return makeError("{}: piece {} has the type {}, which is not supported", name, id, type);
  if (piece.text.empty() || !std::isfinite(piece.score))
    return makeError("{}: piece {} has no text or a score that is not finite", name, id);
  piece.type = static_cast<SentencePieceFile::PieceType>(type);
  return piece;
}

Expected<void> readTrainerSpec(std::string_view message, SentencePieceFile &file, const std::string &name) {
  uint64_t modelType = 1;
  MessageReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
    case 3:
      modelType = reader.integer();
      break;
    case 24:
      file.whiteSpaceAsSuffix = reader.boolean();
      break;
    case 35:
      file.byteFallback = reader.boolean();
      break;
    case 44:
      file.unknownSurface = reader.text();
      break;
    case 46:
      file.bosPiece = reader.text();
      break;
    case 47:
      file.eosPiece = reader.text();
      break;
    }
  }
  if (!reader.ok())
    return makeError("{}: the trainer specification is damaged", name);
  constexpr std::string_view names[] = {"Unigram", "BPE", "word", "character"};
  if (modelType < 1 || modelType > 4)
    return makeError("{}: model type {} is not supported, only BPE is", name, modelType);
  if (modelType != 2)
    return makeError("{}: {} models are not supported, only BPE is", name, names[modelType - 1]);
  return {};
}

Expected<void> readNormalizerSpec(std::string_view message, SentencePieceFile &file, const std::string &name) {
  MessageReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
    case 2:
      file.charsMap = reader.text();
      break;
    case 3:
      file.addDummyPrefix = reader.boolean();
      break;
    case 4:
      file.removeExtraSpaces = reader.boolean();
      break;
    case 5:
      file.escapeSpaces = reader.boolean();
      break;
    }
  }
  if (!reader.ok())
    return makeError("{}: the normalizer specification is damaged", name);
  return {};
}

// A denormalizer would rewrite decoded text.
Expected<void> checkDenormalizerSpec(std::string_view message, const std::string &name) {
  SentencePieceFile denormalizer;
  if (auto read = readNormalizerSpec(message, denormalizer, name); !read)
    return read;
  if (!denormalizer.charsMap.empty())
    return makeError("{}: denormalizer_spec is not supported", name);
  return {};
}

// Another format under the same file name: lines of a token in base64, a space, its rank.
bool looksLikeTiktoken(std::string_view bytes) {
  size_t space = bytes.find(' '), end = bytes.find('\n');
  constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  return space != 0 && end != std::string_view::npos && space < end &&
         bytes.substr(0, space).find_first_not_of(base64) == std::string_view::npos &&
         bytes.substr(space + 1, end - space - 1).find_first_not_of("0123456789") == std::string_view::npos;
}

// Builds one message, field by field.
class MessageWriter {
public:
  MessageWriter &integer(unsigned field, uint64_t value) {
    putNumber(field << 3);
    putNumber(value);
    return *this;
  }
  MessageWriter &real(unsigned field, float value) {
    putNumber(field << 3 | 5);
    bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
    return *this;
  }
  MessageWriter &text(unsigned field, std::string_view value) {
    putNumber(field << 3 | 2);
    putNumber(value.size());
    bytes.append(value);
    return *this;
  }

  std::string bytes;

private:
  void putNumber(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      bytes.push_back(static_cast<char>(value | 0x80));
    bytes.push_back(static_cast<char>(value));
  }
};

} // namespace

std::string SentencePieceFile::toBytes() const {
  MessageWriter file, trainer, normalizer;
  for (const Piece &piece : pieces) {
    MessageWriter message;
    message.text(1, piece.text).real(2, piece.score).integer(3, static_cast<uint64_t>(piece.type));
    file.text(1, message.bytes);
  }
  trainer.integer(3, 2).integer(24, whiteSpaceAsSuffix).integer(35, byteFallback).text(44, unknownSurface);
  file.text(2, trainer.text(46, bosPiece).text(47, eosPiece).bytes);
  normalizer.text(2, charsMap).integer(3, addDummyPrefix).integer(4, removeExtraSpaces).integer(5, escapeSpaces);
  return file.text(3, normalizer.bytes).bytes;
}

Expected<SentencePieceFile> SentencePieceFile::parse(std::string_view bytes, const std::string &name) {
  if (looksLikeTiktoken(bytes))
    return makeError("{}: is a tiktoken vocabulary, which is not supported; convert it to tokenizer.json", name);
  SentencePieceFile file;
  bool hasTrainerSpec = false;
  MessageReader reader(bytes);
  while (reader.next()) {
    Expected<void> read;
    if (reader.field() == 1) {
      auto piece = readPiece(reader.text(), file.pieces.size(), name);
      if (!piece)
        return passError(std::move(piece));
      file.pieces.push_back(*piece);
    } else if (reader.field() == 2) {
      hasTrainerSpec = true;
      read = readTrainerSpec(reader.text(), file, name);
    } else if (reader.field() == 3) {
      read = readNormalizerSpec(reader.text(), file, name);
    } else if (reader.field() == 5) {
      read = checkDenormalizerSpec(reader.text(), name);
    }
    if (!read)
      return passError(std::move(read));
  }
  if (!reader.ok() || file.pieces.empty() || !hasTrainerSpec)
    return makeError("{}: is not a SentencePiece model", name);
  return file;
}

} // namespace quipu
