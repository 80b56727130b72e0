#include "runtime/Support/Utf8.h"
#include "runtime/Text/Gguf/GgufVocabulary.h"
#include "runtime/Text/Gguf/PreTokenizers.h"
#include "runtime/Text/HuggingFace/BpeTables.h"

#include <nlohmann/json.hpp>

namespace quipu {

using nlohmann::json;

namespace {

// Special and user-defined tokens are found in the text before anything else; unused ones only fill the table of
// embeddings and stand for no text.
Expected<json> addTokens(const GgufVocabulary &given, Vocabulary &vocabulary, const std::string &name) {
  json added = json::array();
  for (size_t id = 0; id < given.tokens.size(); ++id) {
    auto type = static_cast<GgufTokenType>(given.types.empty() ? 1 : given.types[id]);
    if (type == GgufTokenType::Unused)
      continue;
    if (findInvalidUtf8(given.tokens[id]))
      return makeError("{}: token {} is not valid UTF-8", name, id);
    if (auto fits = vocabulary.add(static_cast<int64_t>(id), given.tokens[id]); !fits)
      return makeError("{}: {}", name, fits.error().message);
    bool special = type == GgufTokenType::Control || type == GgufTokenType::Unknown;
    if (special || type == GgufTokenType::UserDefined)
      added.push_back({{"id", id}, {"content", given.tokens[id]}, {"special", special}, {"normalized", false}});
    else if (type != GgufTokenType::Normal && type != GgufTokenType::Byte)
      return makeError("{}: token {} has the type {}; expected one of 1 (normal) to 6 (byte)", name, id,
                       static_cast<int>(type));
  }
  return added;
}

Expected<std::vector<BpeModel::MergeText>> readMerges(const GgufVocabulary &given, const std::string &name) {
  std::vector<BpeModel::MergeText> merges;
  merges.reserve(given.merges.size());
  for (std::string_view merge : given.merges) {
    size_t space = merge.find(' ', 1); // the left token may be a space itself
    if (space == merge.npos)
      return makeError("{}: merge {} of tokenizer.ggml.merges has no space between two tokens", name, merges.size());
    merges.push_back({merge.substr(0, space), merge.substr(space + 1), -1});
  }
  return merges;
}

// Bytes as characters, words split as tokenizer.ggml.pre says.
Expected<json> byteLevelPipeline(const GgufVocabulary &given, const std::string &name) {
  const NamedPreTokenizer *row = findPreTokenizer(given.preTokenizer);
  if (!row)
    return makeError("{}: tokenizer.ggml.pre is '{}'; expected one of: {}", name, given.preTokenizer,
                     preTokenizerNames());
  return json{{"model", {{"type", "BPE"}, {"ignore_merges", row->ignoreMerges}}},
              {"normalizer", row->normalizer},
              {"pre_tokenizer", row->steps},
              {"decoder", {{"type", "ByteLevel"}}}};
}

// Gemma 4's tokenizer.json: merges over whole texts, spaces as U+2581, unknown characters by bytes. A character that
// lacks a byte token is the unknown token, where there is one.
json wholeTextPipeline(const GgufVocabulary &given) {
  const char *space = "\xE2\x96\x81";
  json model = {{"type", "BPE"}, {"byte_fallback", true}, {"fuse_unk", true}};
  if (given.unknown >= 0 && given.unknown < static_cast<int64_t>(given.tokens.size()))
    model["unk_token"] = given.tokens[given.unknown];
  auto replace = [](const char *from, const char *to) {
    return json{{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
  };
  json decoders = {replace(space, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}};
  return {{"model", std::move(model)},
          {"normalizer", replace(" ", space)},
          {"pre_tokenizer", nullptr},
          {"decoder", {{"type", "Sequence"}, {"decoders", std::move(decoders)}}}};
}

} // namespace

std::optional<bool> addsBosByDefault(const GgufVocabulary &vocabulary) {
  if (vocabulary.model == "llama" || vocabulary.model == "gemma4")
    return true;
  const NamedPreTokenizer *row = vocabulary.model == "gpt2" ? findPreTokenizer(vocabulary.preTokenizer) : nullptr;
  return row ? std::optional(row->addBos) : std::nullopt;
}

Expected<std::unique_ptr<HuggingFaceModel>> bpeModel(const GgufVocabulary &given, const std::string &name) {
  Expected<json> pipeline = given.model == "gemma4" ? wholeTextPipeline(given) : byteLevelPipeline(given, name);
  if (!pipeline)
    return passError(std::move(pipeline));
  if (given.merges.empty())
    return makeError("{}: tokenizer.ggml.merges is missing or empty", name);
  auto merges = readMerges(given, name);
  if (!merges)
    return passError(std::move(merges));
  Vocabulary vocabulary;
  auto added = addTokens(given, vocabulary, name);
  if (!added)
    return passError(std::move(added));
  (*pipeline)["added_tokens"] = std::move(*added);
  return HuggingFaceModel::create(*pipeline, std::move(vocabulary), *merges, name);
}

} // namespace quipu
