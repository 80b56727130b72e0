// The form in which an artifact carries a tokenizer:
//   8 bytes  "quiputok"
//   u32      version, 1 (little-endian, as the next)
//   u32      length of the settings
//   u32      length of the payload
//   rest     deflated (zlib), the settings and the payload:
//     JSON     settings: format, bos, eos, add_bos, add_eos, chat_template
//     payload  HuggingFace: compact tables (BpeTables.h); SentencePiece: tokenizer.model as it was
#include "runtime/Text/HuggingFace/HuggingFaceModel.h"
#include "runtime/Text/Json.h"
#include "runtime/Text/SentencePiece/SentencePieceModel.h"
#include "runtime/Text/Tokenizer.h"

#include <cstring>
#include <zlib.h>

namespace quipu {

using nlohmann::json;

namespace {

constexpr std::string_view kMagic = "quiputok";
constexpr uint32_t kVersion = 1;
const char *const kName = "tokenizer section";

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t settingsLength;
  uint32_t payloadLength;
};
static_assert(sizeof(Header) == 20);

constexpr size_t kMostDeflate = 1032; // deflate cannot make data smaller than by this factor

std::string deflated(const std::string &text) {
  uLongf length = compressBound(text.size());
  std::string out(length, '\0');
  // It can only fail for want of room or memory.
  compress2(reinterpret_cast<Bytef *>(out.data()), &length, reinterpret_cast<const Bytef *>(text.data()), text.size(),
            Z_DEFAULT_COMPRESSION);
  out.resize(length);
  return out;
}

Expected<std::string> inflated(std::string_view bytes, uint64_t length) {
  if (length / kMostDeflate > bytes.size())
    return makeError("{}: is damaged", kName);
  std::string out(length, '\0');
  uLongf written = length;
  uLong read = bytes.size();
  int code = uncompress2(reinterpret_cast<Bytef *>(out.data()), &written, reinterpret_cast<const Bytef *>(bytes.data()),
                         &read);
  if (code != Z_OK || written != length || read != bytes.size())
    return makeError("{}: is damaged", kName);
  return out;
}

Expected<TokenizerSettings> readSettings(const json &object, TokenizerFormat &format) {
  TokenizerSettings settings;
  JsonFields fields(object, kName);
  std::string name = fields.string("format", "");
  settings.bos = static_cast<int32_t>(std::clamp<int64_t>(fields.integer("bos", -1), INT32_MIN, INT32_MAX));
  const auto *eos = fields.array("eos");
  for (const auto &id : eos ? *eos : json::array()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX)
      return makeError("{}: an eos id is no token id", kName);
    settings.eos.push_back(id.get<int32_t>());
  }
  settings.addBos = fields.boolean("add_bos", false);
  settings.addEos = fields.boolean("add_eos", false);
  settings.chatTemplate = fields.string("chat_template", "");
  if (auto known = fields.finish(); !known)
    return passError(std::move(known));
  if (name != "hugging_face" && name != "sentence_piece")
    return makeError("{}: format '{}' is not supported", kName, name);
  format = name == "hugging_face" ? TokenizerFormat::HuggingFace : TokenizerFormat::SentencePiece;
  return settings;
}

} // namespace

std::string Tokenizer::serialize() const {
  bool huggingFace = kind == TokenizerFormat::HuggingFace;
  json object = {{"format", huggingFace ? "hugging_face" : "sentence_piece"},
                 {"bos", settings.bos},
                 {"eos", settings.eos},
                 {"add_bos", settings.addBos},
                 {"add_eos", settings.addEos},
                 {"chat_template", settings.chatTemplate}};
  const std::string text = object.dump();
  const std::string payload = huggingFace ? static_cast<const HuggingFaceModel &>(*model).toCompact()
                                          : static_cast<const SentencePieceModel &>(*model).fileBytes();
  Header header = {{}, kVersion, static_cast<uint32_t>(text.size()), static_cast<uint32_t>(payload.size())};
  std::memcpy(header.magic, kMagic.data(), kMagic.size());
  return std::string(reinterpret_cast<const char *>(&header), sizeof header) + deflated(text + payload);
}

Expected<std::unique_ptr<Tokenizer>> Tokenizer::deserialize(std::string_view bytes) {
  Header header;
  if (bytes.size() < sizeof header || bytes.substr(0, kMagic.size()) != kMagic)
    return makeError("{}: is not a tokenizer", kName);
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.remove_prefix(sizeof header);
  if (header.version != kVersion)
    return makeError("{}: has version {}, this program reads {}; compile the model again", kName, header.version,
                     kVersion);
  auto whole = inflated(bytes, uint64_t(header.settingsLength) + header.payloadLength);
  if (!whole)
    return passError(std::move(whole));
  std::string_view payload = std::string_view(*whole).substr(header.settingsLength);
  auto object = parseJson(std::string_view(*whole).substr(0, header.settingsLength), kName);
  if (!object)
    return passError(std::move(object));
  TokenizerFormat format;
  auto settings = readSettings(*object, format);
  if (!settings)
    return passError(std::move(settings));
  if (format == TokenizerFormat::SentencePiece)
    return fromBytes(format, payload, std::move(*settings), kName);
  auto model = HuggingFaceModel::fromCompact(payload, kName);
  if (!model)
    return passError(std::move(model));
  return create(format, std::move(*model), std::move(*settings), kName);
}

} // namespace quipu
