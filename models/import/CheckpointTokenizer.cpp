#include "models/import/CheckpointTokenizer.h"

#include "models/import/gguf/GgufMetadata.h"
#include "runtime/Support/MappedFile.h"
#include "runtime/Text/Gguf/GgufVocabulary.h"

#include <algorithm>
#include <filesystem>
#include <limits>

namespace quipu::models {

namespace {

int32_t tokenId(GgufMetadata &metadata, std::string_view key) {
  int64_t id = metadata.integer(key).value_or(-1);
  if (metadata.has(key) && (id < 0 || id > std::numeric_limits<int32_t>::max()))
    metadata.fail(key, fmt::format("is {}, which is no token id", id));
  return static_cast<int32_t>(id);
}

// Kept in this order: `eos()`'s first is the one put behind a text.
constexpr std::string_view endKeys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                        "tokenizer.ggml.eom_token_id"};

} // namespace

Expected<std::unique_ptr<Tokenizer>> readGgufTokenizer(const GgufFile &file) {
  GgufMetadata metadata(file);
  if (!metadata.has("tokenizer.ggml.tokens"))
    return std::unique_ptr<Tokenizer>();
  GgufVocabulary vocabulary;
  vocabulary.model = metadata.string("tokenizer.ggml.model");
  vocabulary.preTokenizer = metadata.string("tokenizer.ggml.pre");
  vocabulary.tokens = metadata.strings("tokenizer.ggml.tokens");
  vocabulary.scores = metadata.floats("tokenizer.ggml.scores");
  vocabulary.types = metadata.int32s("tokenizer.ggml.token_type");
  vocabulary.merges = metadata.strings("tokenizer.ggml.merges");
  vocabulary.unknown = tokenId(metadata, "tokenizer.ggml.unknown_token_id");
  vocabulary.addBos = metadata.boolean("tokenizer.ggml.add_bos_token");
  vocabulary.addEos = metadata.boolean("tokenizer.ggml.add_eos_token");
  vocabulary.addSpacePrefix = metadata.boolean("tokenizer.ggml.add_space_prefix");
  TokenizerSettings settings;
  settings.bos = tokenId(metadata, "tokenizer.ggml.bos_token_id");
  for (std::string_view key : endKeys)
    if (int32_t id = tokenId(metadata, key);
        id >= 0 && std::find(settings.eos.begin(), settings.eos.end(), id) == settings.eos.end())
      settings.eos.push_back(id);
  settings.chatTemplate = metadata.string("tokenizer.chat_template");
  if (metadata.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(false))
    metadata.fail("tokenizer.ggml.remove_extra_whitespaces", "is true, which is not supported");
  if (metadata.has("tokenizer.ggml.precompiled_charsmap"))
    metadata.fail("tokenizer.ggml.precompiled_charsmap", "is not supported");
  if (metadata.error())
    return tl::unexpected<Error>(*metadata.error());
  return Tokenizer::fromGguf(vocabulary, std::move(settings), file.name);
}

Expected<std::unique_ptr<Tokenizer>> openTokenizer(const std::string &checkpoint) {
  std::filesystem::path path(checkpoint);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    if (!std::filesystem::exists(path / "tokenizer.json", error) &&
        !std::filesystem::exists(path / "tokenizer.model", error))
      return std::unique_ptr<Tokenizer>();
    return Tokenizer::fromFiles(checkpoint);
  }
  auto mapped = MappedFile::open(checkpoint);
  if (!mapped)
    return passError(std::move(mapped));
  auto file = GgufFile::parse(mapped->data(), mapped->size(), checkpoint);
  if (!file)
    return passError(std::move(file));
  return readGgufTokenizer(*file);
}

} // namespace quipu::models
