#include "runtime/Text/HuggingFace/HuggingFaceModel.h"

#include "runtime/Text/HuggingFace/BpeTables.h"
#include "runtime/Text/Json.h"

#include <algorithm>

namespace quipu {

using nlohmann::json;

namespace {

Expected<BpeOptions> readOptions(const json &model, const std::string &where) {
  JsonFields fields(model, where);
  // Files from before tokenizers 0.9 do not say the type.
  if (std::string type = fields.string("type", "BPE"); type != "BPE")
    return makeError("{}: tokenizer model '{}' is not supported, only BPE is", where, type);
  BpeOptions options;
  options.unknownToken = fields.string("unk_token", "");
  options.fuseUnknown = fields.boolean("fuse_unk", false);
  options.byteFallback = fields.boolean("byte_fallback", false);
  options.ignoreMerges = fields.boolean("ignore_merges", false);
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (std::string value = fields.string(key, ""); !value.empty())
      return makeError("{}: '{}' of '{}' is not supported", where, key, value);
  if (const auto *dropout = fields.any("dropout"); dropout && *dropout != 0)
    return makeError("{}: 'dropout' makes the ids random; set it to null", where);
  if (auto known = fields.finish(); !known)
    return passError(std::move(known));
  return options;
}

} // namespace

Expected<std::unique_ptr<HuggingFaceModel>> HuggingFaceModel::fromJson(std::string_view text, const std::string &name) {
  auto parsed = parseJson(text, name);
  if (!parsed)
    return passError(std::move(parsed));
  if (!parsed->is_object() || !parsed->contains("model") || !(*parsed)["model"].is_object())
    return makeError("{}: 'model' is missing", name);
  // Taken out, so that the rest is the pipeline; the merges point into the JSON text while the model is made.
  json &model = (*parsed)["model"];
  json vocabularyJson = std::move(model["vocab"]), mergesJson = std::move(model["merges"]);
  model.erase("vocab");
  model.erase("merges");
  auto vocabulary = readVocabulary(vocabularyJson, name);
  if (!vocabulary)
    return passError(std::move(vocabulary));
  auto merges = readMerges(mergesJson, name);
  if (!merges)
    return passError(std::move(merges));
  return create(*parsed, std::move(*vocabulary), *merges, name);
}

Expected<std::unique_ptr<HuggingFaceModel>> HuggingFaceModel::fromCompact(std::string_view bytes,
                                                                          const std::string &name) {
  auto tables = readCompactTables(bytes, name);
  if (!tables)
    return passError(std::move(tables));
  auto pipeline = parseJson(tables->pipeline, name);
  if (!pipeline)
    return passError(std::move(pipeline));
  return create(*pipeline, std::move(tables->vocabulary), tables->merges, name);
}

std::string HuggingFaceModel::toCompact() const { return writeCompactTables(pipelineText, bpe); }

Expected<std::unique_ptr<HuggingFaceModel>> HuggingFaceModel::create(const json &pipeline, Vocabulary vocabulary,
                                                                     const std::vector<BpeModel::MergeText> &merges,
                                                                     const std::string &name) {
  auto result = std::make_unique<HuggingFaceModel>();
  JsonFields fields(pipeline, name);
  // Truncation and padding are the caller's business; the version has always been 1.0.
  fields.ignore({"version", "truncation", "padding"});
  const auto *model = fields.object("model");
  if (!model)
    return makeError("{}: 'model' is missing", name);
  auto options = readOptions(*model, name + ": model");
  if (!options)
    return passError(std::move(options));
  auto bpe = BpeModel::create(std::move(vocabulary), merges, std::move(*options));
  if (!bpe)
    return makeError("{}: model: {}", name, bpe.error().message);
  auto normalizer = Normalizer::fromJson(fields.object("normalizer"), name + ": normalizer");
  if (!normalizer)
    return passError(std::move(normalizer));
  auto preTokenizer = PreTokenizer::fromJson(fields.object("pre_tokenizer"), name + ": pre_tokenizer");
  if (!preTokenizer)
    return passError(std::move(preTokenizer));
  auto postProcessor = PostProcessor::fromJson(fields.object("post_processor"), name + ": post_processor");
  if (!postProcessor)
    return passError(std::move(postProcessor));
  auto decoder = TokenDecoder::fromJson(fields.object("decoder"), name + ": decoder");
  if (!decoder)
    return passError(std::move(decoder));
  result->bpe = std::move(*bpe);
  result->normalizer = std::move(*normalizer);
  result->preTokenizer = std::move(*preTokenizer);
  result->postProcessor = std::move(*postProcessor);
  result->decoder = std::move(*decoder);
  if (auto read = result->readAddedTokens(fields.array("added_tokens"), name + ": added_tokens"); !read)
    return passError(std::move(read));
  if (auto known = fields.finish(); !known)
    return passError(std::move(known));
  result->pipelineText = pipeline.dump();
  return result;
}

Expected<void> HuggingFaceModel::readAddedTokens(const json *list, const std::string &where) {
  const Vocabulary &vocabulary = bpe.vocabulary();
  for (const auto &item : list ? *list : json::array()) {
    JsonFields fields(item, where);
    int64_t id = fields.integer("id", -1);
    AddedToken token;
    token.content = fields.string("content", "");
    token.special = fields.boolean("special", false);
    token.normalized = fields.boolean("normalized", !token.special);
    token.singleWord = fields.boolean("single_word", false);
    token.stripLeft = fields.boolean("lstrip", false);
    token.stripRight = fields.boolean("rstrip", false);
    if (auto known = fields.finish(); !known)
      return known;
    if (id < 0 || id >= Vocabulary::kMaxTokens)
      return makeError("{}: '{}' has the id {}, which is not in [0, {})", where, token.content, id,
                       Vocabulary::kMaxTokens);
    token.id = static_cast<int32_t>(id);
    if (int32_t other = vocabulary.find(token.content); other >= 0 && other != token.id)
      return makeError("{}: '{}' has the id {}, but {} in the vocabulary", where, token.content, id, other);
    if (vocabulary.contains(token.id) && vocabulary.text(token.id) != token.content)
      return makeError("{}: '{}' has the id {}, which is '{}' in the vocabulary", where, token.content, id,
                       vocabulary.text(token.id));
    if (auto done = added.add(std::move(token)); !done)
      return makeError("{}: {}", where, done.error().message);
  }
  return added.build([this](const std::string &content) { return normalizer.apply(content); });
}

Expected<void> HuggingFaceModel::encode(std::string_view text, bool parseSpecial, std::vector<int32_t> &ids) const {
  SymbolMerger merger;
  for (const AddedTokens::Part &part : added.split(text, AddedTokens::Stage::GivenText, parseSpecial)) {
    if (part.id >= 0) {
      ids.push_back(part.id);
      continue;
    }
    std::string_view slice = text.substr(part.begin, part.end - part.begin);
    if (auto done = encodeText(slice, part.begin == 0, parseSpecial, merger, ids); !done)
      return done;
  }
  return {};
}

Expected<void> HuggingFaceModel::encodeText(std::string_view text, bool startsInput, bool parseSpecial,
                                            SymbolMerger &merger, std::vector<int32_t> &ids) const {
  auto normal = normalizer.apply(text);
  if (!normal)
    return passError(std::move(normal));
  for (const AddedTokens::Part &part : added.split(*normal, AddedTokens::Stage::NormalizedText, parseSpecial)) {
    if (part.id >= 0) {
      ids.push_back(part.id);
      continue;
    }
    auto list = preTokenizer.apply(normal->substr(part.begin, part.end - part.begin), startsInput && part.begin == 0);
    if (!list)
      return passError(std::move(list));
    for (const Span &span : list->words)
      bpe.encode(list->word(span), merger, ids);
  }
  return {};
}

bool HuggingFaceModel::appendDecoded(int32_t id, bool isFirst, std::string &out) const {
  const AddedToken *token = added.byId(id);
  if (!token && !bpe.vocabulary().contains(id))
    return true;
  decoder.append(token ? token->form : bpe.vocabulary().text(id), isFirst, out);
  return false;
}

bool HuggingFaceModel::isSpecial(int32_t id) const {
  const AddedToken *token = added.byId(id);
  return token && token->special;
}

int32_t HuggingFaceModel::find(std::string_view token) const {
  int32_t id = added.find(token);
  return id >= 0 ? id : bpe.vocabulary().find(token);
}

std::string_view HuggingFaceModel::tokenText(int32_t id) const {
  const AddedToken *token = added.byId(id);
  return token ? std::string_view(token->content) : bpe.vocabulary().text(id);
}

int32_t HuggingFaceModel::size() const { return std::max(bpe.vocabulary().size(), added.largestId() + 1); }

} // namespace quipu
