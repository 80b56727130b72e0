// Which files of a checkpoint's folder make its tokenizer.
#include "runtime/Support/MappedFile.h"
#include "runtime/Support/Utf8.h"
#include "runtime/Text/Json.h"
#include "runtime/Text/Tokenizer.h"

#include <filesystem>
#include <optional>

namespace quipu {

using nlohmann::json;

namespace {

// Ten times the largest tokenizer known.
constexpr size_t kLargestFile = 256 << 20;

// The bytes of a file; nothing where there is no such file.
Expected<std::optional<std::string>> readFile(const std::string &path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return std::nullopt;
  auto file = MappedFile::open(path);
  if (!file)
    return passError(std::move(file));
  if (file->size() > kLargestFile)
    return makeError("{}: has {} bytes, more than {}", path, file->size(), kLargestFile);
  return std::string(reinterpret_cast<const char *>(file->data()), file->size());
}

// The object in a JSON file; an empty object where there is no such file.
Expected<json> readObject(const std::string &path) {
  auto text = readFile(path);
  if (!text)
    return passError(std::move(text));
  if (!*text)
    return json::object();
  return parseJson(**text, path);
}

// A token is named by its text, or by an object whose "content" is its text.
std::string tokenName(JsonFields &fields, const char *key) {
  const json *value = fields.any(key);
  if (value && value->is_object())
    return JsonFields(*value, key).string("content", "");
  return value && value->is_string() ? value->get<std::string>() : "";
}

// bos_token_id and eos_token_id of generation_config.json or config.json; eos may be one id or a list.
Expected<void> readIds(const std::string &path, TokenizerSettings &settings) {
  auto object = readObject(path);
  if (!object)
    return passError(std::move(object));
  JsonFields fields(*object, path);
  auto isId = [](const json &value) { return value.is_number_unsigned() && value.get<uint64_t>() <= INT32_MAX; };
  const json *bos = fields.any("bos_token_id");
  const json *eos = fields.any("eos_token_id");
  if (bos && !isId(*bos))
    return makeError("{}: 'bos_token_id' is no token id", path);
  if (bos && settings.bos < 0)
    settings.bos = bos->get<int32_t>();
  std::vector<int32_t> ids;
  for (const json &id : !eos ? json::array() : eos->is_array() ? *eos : json::array({*eos})) {
    if (!isId(id))
      return makeError("{}: 'eos_token_id' is neither a token id nor a list of them", path);
    ids.push_back(id.get<int32_t>());
  }
  if (settings.eos.empty())
    settings.eos = std::move(ids);
  return fields.finishIgnoringUnknownKeys();
}

// A file of its own is the newer way; before, the configuration held the text, or a list of named templates.
Expected<std::string> readChatTemplate(const std::string &folder, JsonFields &config) {
  auto file = readFile(folder + "/chat_template.jinja");
  if (!file)
    return passError(std::move(file));
  if (*file) {
    if (auto offset = findInvalidUtf8(**file))
      return makeError("{}/chat_template.jinja: is not valid UTF-8 at byte {}", folder, *offset);
    return std::move(**file);
  }
  const json *value = config.any("chat_template");
  if (value && value->is_string())
    return value->get<std::string>();
  for (const json &item : value && value->is_array() ? *value : json::array()) {
    JsonFields fields(item, config.where() + ": chat_template");
    if (fields.string("name", "") == "default")
      return fields.string("template", "");
  }
  return std::string();
}

// Tokens that these files add to a tokenizer.model would be lost: the model's own are the only ones we read.
Expected<void> checkAddedTokens(const std::string &folder, JsonFields &config, const Tokenizer &tokenizer) {
  auto check = [&](const std::string &where, const std::string &token) -> Expected<void> {
    if (token.empty() || tokenizer.find(token) >= 0)
      return {};
    return makeError("{}: adds the token '{}', which tokenizer.model lacks; convert the tokenizer to tokenizer.json",
                     where, token);
  };
  const json *decoder = config.object("added_tokens_decoder");
  for (const json &item : decoder ? *decoder : json::object()) {
    JsonFields fields(item, config.where() + ": added_tokens_decoder");
    if (auto present = check(config.where(), fields.string("content", "")); !present)
      return present;
  }
  const std::string path = folder + "/added_tokens.json";
  auto object = readObject(path);
  if (!object)
    return passError(std::move(object));
  for (const auto &item : object->items())
    if (auto present = check(path, item.key()); !present)
      return present;
  return {};
}

struct Found {
  TokenizerFormat format;
  std::string path, bytes;
};

Expected<Found> findTokenizer(const std::string &folder) {
  const std::pair<TokenizerFormat, const char *> candidates[] = {{TokenizerFormat::HuggingFace, "tokenizer.json"},
                                                                 {TokenizerFormat::SentencePiece, "tokenizer.model"}};
  for (auto [format, name] : candidates) {
    std::string path = folder + "/" + name;
    auto bytes = readFile(path);
    if (!bytes)
      return passError(std::move(bytes));
    if (*bytes)
      return Found{format, path, std::move(**bytes)};
  }
  return makeError("{}: has neither tokenizer.json nor tokenizer.model", folder);
}

} // namespace

Expected<std::unique_ptr<Tokenizer>> Tokenizer::fromFiles(const std::string &folder) {
  auto found = findTokenizer(folder);
  if (!found)
    return passError(std::move(found));
  auto config = readObject(folder + "/tokenizer_config.json");
  if (!config)
    return passError(std::move(config));
  TokenizerSettings settings;
  for (const char *name : {"/generation_config.json", "/config.json"})
    if (auto read = readIds(folder + name, settings); !read)
      return passError(std::move(read));

  JsonFields fields(*config, folder + "/tokenizer_config.json");
  std::string bosName = tokenName(fields, "bos_token"), eosName = tokenName(fields, "eos_token");
  if (found->format == TokenizerFormat::SentencePiece) {
    // Llama's tokenizer adds BOS where nothing says otherwise.
    settings.addBos = fields.boolean("add_bos_token", true);
    settings.addEos = fields.boolean("add_eos_token", false);
  }
  auto chatTemplate = readChatTemplate(folder, fields);
  if (!chatTemplate)
    return passError(std::move(chatTemplate));
  settings.chatTemplate = std::move(*chatTemplate);
  bool bosGiven = settings.bos >= 0, eosGiven = !settings.eos.empty();
  auto tokenizer = fromBytes(found->format, found->bytes, std::move(settings), found->path);
  if (!tokenizer)
    return tokenizer;
  Tokenizer &made = **tokenizer;
  if (found->format == TokenizerFormat::SentencePiece)
    if (auto complete = checkAddedTokens(folder, fields, made); !complete)
      return passError(std::move(complete));
  if (auto typed = fields.finishIgnoringUnknownKeys(); !typed)
    return passError(std::move(typed));
  // Names count where no file gave an id.
  if (int32_t id = made.find(bosName); id >= 0 && !bosGiven)
    made.settings.bos = id;
  if (int32_t id = made.find(eosName); id >= 0 && !eosGiven)
    made.settings.eos = {id};
  return tokenizer;
}

} // namespace quipu
