#include "runtime/Support/Utf8.h"
#include "runtime/Text/Gguf/GgufVocabulary.h"
#include "runtime/Text/HuggingFace/BpeTables.h"

#include <nlohmann/json.hpp>

namespace quipu {

using nlohmann::json;

namespace {

// What a name in tokenizer.ggml.pre stands for: the steps in the tokenizer.json of the models it was made for.
struct NamedPreTokenizer {
  std::string_view name;
  const char *normalizer, *steps; // JSON
  bool ignoreMerges, addBos;
};

constexpr const char *byteLevelAlone = R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true})";
constexpr const char *digitsFirst = R"({"type": "Sequence", "pretokenizers": [
    {"type": "Digits", "individual_digits": true},
    {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}]})";
constexpr const char *llama3 = R"re({"type": "Sequence", "pretokenizers": [
    {"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
    {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})re";
constexpr const char *qwen2 = R"re({"type": "Sequence", "pretokenizers": [
    {"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
    {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})re";

constexpr NamedPreTokenizer known[] = {
    {"gpt-2", "null", byteLevelAlone, false, false},
    {"smollm", "null", digitsFirst, false, false},
    {"llama-bpe", "null", llama3, true, true},
    {"qwen2", R"({"type": "NFC"})", qwen2, false, false},
};

const NamedPreTokenizer *findPreTokenizer(std::string_view name) {
  for (const NamedPreTokenizer &row : known)
    if (row.name == name)
      return &row;
  return nullptr;
}

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
    if (type == GgufTokenType::Control || type == GgufTokenType::UserDefined)
      added.push_back({{"id", id},
                       {"content", given.tokens[id]},
                       {"special", type == GgufTokenType::Control},
                       {"normalized", false}});
    else if (type != GgufTokenType::Normal)
      return makeError("{}: token {} has the type {}; expected 1 (normal), 3 (control), 4 (user-defined) or 5 (unused)",
                       name, id, static_cast<int>(type));
  }
  return added;
}

} // namespace

std::optional<bool> addsBosByDefault(const GgufVocabulary &vocabulary) {
  if (vocabulary.model == "llama")
    return true;
  const NamedPreTokenizer *row = vocabulary.model == "gpt2" ? findPreTokenizer(vocabulary.preTokenizer) : nullptr;
  return row ? std::optional(row->addBos) : std::nullopt;
}

Expected<std::unique_ptr<HuggingFaceModel>> byteLevelModel(const GgufVocabulary &given, const std::string &name) {
  const NamedPreTokenizer *row = findPreTokenizer(given.preTokenizer);
  if (!row)
    return makeError("{}: tokenizer.ggml.pre is '{}'; expected gpt-2, llama-bpe, qwen2 or smollm", name,
                     given.preTokenizer);
  Vocabulary vocabulary;
  auto added = addTokens(given, vocabulary, name);
  if (!added)
    return passError(std::move(added));
  std::vector<BpeModel::MergeText> merges;
  merges.reserve(given.merges.size());
  for (std::string_view merge : given.merges) {
    size_t space = merge.find(' ', 1); // the left token may be a space itself
    if (space == merge.npos)
      return makeError("{}: merge {} of tokenizer.ggml.merges has no space between two tokens", name, merges.size());
    merges.push_back({merge.substr(0, space), merge.substr(space + 1), -1});
  }
  json pipeline = {{"model", {{"type", "BPE"}, {"ignore_merges", row->ignoreMerges}}},
                   {"normalizer", json::parse(row->normalizer)},
                   {"pre_tokenizer", json::parse(row->steps)},
                   {"decoder", {{"type", "ByteLevel"}}},
                   {"added_tokens", std::move(*added)}};
  return HuggingFaceModel::create(pipeline, std::move(vocabulary), merges, name);
}

} // namespace quipu
