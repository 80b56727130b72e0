#include "runtime/Text/SentencePiece/SentencePieceModel.h"

#include "runtime/Support/Utf8.h"

#include <algorithm>
#include <unordered_map>

namespace quipu {

static constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81"; // U+2581

Expected<std::unique_ptr<SentencePieceModel>> SentencePieceModel::fromBytes(std::string bytes,
                                                                            const std::string &name) {
  auto model = std::make_unique<SentencePieceModel>();
  model->bytes = std::move(bytes);
  auto file = SentencePieceFile::parse(model->bytes, name);
  if (!file)
    return passError(std::move(file));
  model->file = std::move(*file);
  auto map = CharsMap::parse(model->file.charsMap, name);
  if (!map)
    return passError(std::move(map));
  model->charsMap = std::move(*map);
  if (auto added = model->addPieces(name); !added)
    return passError(std::move(added));
  return model;
}

Expected<void> SentencePieceModel::addPieces(const std::string &name) {
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    const SentencePieceFile::Piece &piece = file.pieces[id];
    if (findInvalidUtf8(piece.text))
      return makeError("{}: piece {} is not valid UTF-8", name, id);
    if (auto added = vocabulary.add(static_cast<int64_t>(id), piece.text); !added)
      return makeError("{}: {}", name, added.error().message);
    AddedToken token;
    token.id = static_cast<int32_t>(id);
    token.content = piece.text;
    Expected<void> added;
    if (piece.type == PieceType::UserDefined)
      added = userDefined.add(std::move(token));
    else if (piece.type == PieceType::Control || piece.type == PieceType::Unknown)
      added = special.add(std::move(token));
    if (!added)
      return makeError("{}: {}", name, added.error().message);
    if (piece.type == PieceType::Unknown) {
      if (unknownId >= 0)
        return makeError("{}: pieces {} and {} are both the unknown one", name, unknownId, id);
      unknownId = static_cast<int32_t>(id);
    }
  }
  if (unknownId < 0)
    return makeError("{}: no piece is of the type 'unknown'", name);
  if (auto found = findByteIds(name); !found)
    return found;
  auto asItIs = [](const std::string &content) -> Expected<std::string> { return content; };
  if (auto built = special.build(asItIs); !built)
    return built;
  return userDefined.build(asItIs);
}

Expected<void> SentencePieceModel::findByteIds(const std::string &name) {
  byteIds.fill(-1);
  size_t bytePieces = 0;
  for (const SentencePieceFile::Piece &piece : file.pieces)
    bytePieces += piece.type == PieceType::Byte;
  if (bytePieces == 0 && !file.byteFallback)
    return {};
  for (int byte = 0; byte < 256; ++byte) {
    int32_t id = vocabulary.find(fmt::format("<0x{:02X}>", byte));
    if (id < 0 || file.pieces[id].type != PieceType::Byte)
      return makeError("{}: byte fallback needs the piece <0x{:02X}>", name, byte);
    byteIds[byte] = id;
  }
  if (bytePieces != 256)
    return makeError("{}: has {} byte pieces, expected 256", name, bytePieces);
  return {};
}

std::string_view SentencePieceModel::normalizePrefix(std::string_view text, size_t &taken) const {
  if (size_t length = userDefined.longestAtStart(text); length > 0) {
    taken = length;
    return text.substr(0, length);
  }
  if (auto rule = charsMap.longest(text)) {
    taken = rule->length;
    return rule->by;
  }
  taken = scanUtf8(text).length;
  return text.substr(0, taken);
}

Expected<std::string> SentencePieceModel::normalize(std::string_view text) const {
  size_t taken = 0;
  if (file.removeExtraSpaces)
    while (!text.empty() && normalizePrefix(text, taken) == " ")
      text.remove_prefix(taken);
  if (text.empty())
    return std::string();
  std::string_view space = file.escapeSpaces ? kSpaceSymbol : " ";
  size_t limit = largestRewrite(text.size());
  std::string out;
  out.reserve(text.size() * 5 / 4);
  if (file.addDummyPrefix && !file.whiteSpaceAsSuffix)
    out.append(space);
  bool afterSpace = file.removeExtraSpaces;
  while (!text.empty()) {
    std::string_view part = normalizePrefix(text, taken);
    text.remove_prefix(taken);
    while (afterSpace && !part.empty() && part[0] == ' ')
      part.remove_prefix(1);
    for (char c : part) {
      if (c == ' ')
        out.append(space);
      else
        out.push_back(c);
    }
    if (out.size() > limit)
      return makeError("the tokenizer's precompiled_charsmap makes the text too long");
    if (!part.empty())
      afterSpace = file.removeExtraSpaces && part.back() == ' ';
  }
  if (file.removeExtraSpaces)
    while (out.size() >= space.size() && out.compare(out.size() - space.size(), space.size(), space) == 0)
      out.resize(out.size() - space.size());
  if (file.addDummyPrefix && file.whiteSpaceAsSuffix)
    out.append(space);
  return out;
}

Expected<void> SentencePieceModel::encode(std::string_view text, bool parseSpecial, std::vector<int32_t> &ids) const {
  if (!parseSpecial)
    return encodeText(text, ids);
  for (const AddedTokens::Part &part : special.split(text, AddedTokens::Stage::GivenText, /*parseSpecial=*/true)) {
    if (part.id >= 0)
      ids.push_back(part.id);
    else if (auto done = encodeText(text.substr(part.begin, part.end - part.begin), ids); !done)
      return done;
  }
  return {};
}

Expected<void> SentencePieceModel::encodeText(std::string_view given, std::vector<int32_t> &ids) const {
  auto normal = normalize(given);
  if (!normal)
    return passError(std::move(normal));
  const std::string_view text = *normal;
  SymbolMerger merger;
  for (size_t at = 0; at < text.size();) {
    size_t length = userDefined.longestAtStart(text.substr(at));
    bool frozen = length > 0;
    if (!frozen)
      length = scanUtf8(text.substr(at)).length;
    merger.add(static_cast<uint32_t>(at), static_cast<uint32_t>(length), -1, frozen);
    at += length;
  }
  // A piece that is marked unused still merges, and is taken apart again at the end.
  std::unordered_map<std::string_view, uint32_t> leftOfUnused;
  merger.run([&](const Symbol &left, const Symbol &right) -> std::optional<SymbolMerge> {
    std::string_view piece = text.substr(left.offset, left.length + right.length);
    int32_t id = vocabulary.find(piece);
    if (id < 0)
      return std::nullopt;
    PieceType type = file.pieces[id].type;
    if (type != PieceType::Normal && type != PieceType::UserDefined && type != PieceType::Unused)
      return std::nullopt;
    if (type == PieceType::Unused)
      leftOfUnused[piece] = left.length;
    return SymbolMerge{-double(file.pieces[id].score), id};
  });
  bool previousUnknown = false;
  std::vector<std::string_view> open; // the parts still to write, the next one last
  for (const Symbol &symbol : merger.symbols) {
    if (symbol.length == 0)
      continue;
    open.push_back(text.substr(symbol.offset, symbol.length));
    while (!open.empty()) {
      std::string_view piece = open.back();
      open.pop_back();
      if (auto it = leftOfUnused.find(piece); it != leftOfUnused.end()) {
        open.push_back(piece.substr(it->second));
        open.push_back(piece.substr(0, it->second));
      } else {
        appendPiece(piece, previousUnknown, ids);
      }
    }
  }
  return {};
}

void SentencePieceModel::appendPiece(std::string_view piece, bool &previousUnknown, std::vector<int32_t> &ids) const {
  int32_t id = vocabulary.find(piece);
  bool unknown = id < 0 || id == unknownId;
  if (!unknown) {
    ids.push_back(id);
  } else if (file.byteFallback) {
    for (unsigned char byte : piece)
      ids.push_back(byteIds[byte]);
  } else if (!previousUnknown) { // a run of unknown characters is one token
    ids.push_back(unknownId);
  }
  previousUnknown = unknown;
}

bool SentencePieceModel::appendDecoded(int32_t id, bool isFirst, std::string &out) const {
  if (!vocabulary.contains(id))
    return isFirst;
  std::string_view piece = vocabulary.text(id);
  switch (file.pieces[id].type) {
  case PieceType::Byte:
    out.push_back(static_cast<char>(std::find(byteIds.begin(), byteIds.end(), id) - byteIds.begin()));
    return false;
  case PieceType::Unknown:
    out.append(file.unknownSurface);
    return false;
  case PieceType::Control: // only where special tokens are shown
    out.append(piece);
    return isFirst;
  default:
    break;
  }
  bool sawSpace = false;
  if (isFirst && (file.addDummyPrefix || file.removeExtraSpaces) &&
      piece.substr(0, kSpaceSymbol.size()) == kSpaceSymbol) {
    piece.remove_prefix(kSpaceSymbol.size());
    sawSpace = !file.removeExtraSpaces; // those go on being removed until there is text
  }
  bool wrote = !piece.empty();
  for (; !piece.empty();) {
    bool space = piece.substr(0, kSpaceSymbol.size()) == kSpaceSymbol;
    out.append(space ? " " : piece.substr(0, 1));
    piece.remove_prefix(space ? kSpaceSymbol.size() : 1);
  }
  return isFirst && !sawSpace && !wrote;
}

bool SentencePieceModel::isSpecial(int32_t id) const {
  return vocabulary.contains(id) && file.pieces[id].type == PieceType::Control;
}

} // namespace quipu
