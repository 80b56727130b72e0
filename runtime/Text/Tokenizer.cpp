#include "runtime/Text/Tokenizer.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/Gguf/GgufVocabulary.h"
#include "runtime/Text/HuggingFace/HuggingFaceModel.h"
#include "runtime/Text/SentencePiece/SentencePieceModel.h"

#include <algorithm>

namespace quipu {

// Offsets have 31 bits, and byte-level text is up to twice as long.
static constexpr size_t kLongestText = size_t(1) << 29;

Tokenizer::Tokenizer(TokenizerFormat kind, std::unique_ptr<TextModel> model, TokenizerSettings settings)
    : kind(kind), model(std::move(model)), settings(std::move(settings)) {}

Tokenizer::~Tokenizer() = default;

Expected<std::unique_ptr<Tokenizer>> Tokenizer::create(TokenizerFormat kind, std::unique_ptr<TextModel> model,
                                                       TokenizerSettings settings, const std::string &name) {
  int32_t size = model->size();
  if (settings.bos < -1 || settings.bos >= size)
    return makeError("{}: bos id {} is outside of the vocabulary of {}", name, settings.bos, size);
  for (int32_t id : settings.eos)
    if (id < 0 || id >= size)
      return makeError("{}: eos id {} is outside of the vocabulary of {}", name, id, size);
  return std::unique_ptr<Tokenizer>(new Tokenizer(kind, std::move(model), std::move(settings)));
}

Expected<std::unique_ptr<Tokenizer>> Tokenizer::fromBytes(TokenizerFormat format, std::string_view bytes,
                                                          TokenizerSettings settings, const std::string &name) {
  if (format == TokenizerFormat::HuggingFace) {
    auto model = HuggingFaceModel::fromJson(bytes, name);
    if (!model)
      return passError(std::move(model));
    if (settings.bos < 0 && !(*model)->before().empty())
      settings.bos = (*model)->before().front();
    return create(format, std::move(*model), std::move(settings), name);
  }
  auto model = SentencePieceModel::fromBytes(std::string(bytes), name);
  if (!model)
    return passError(std::move(model));
  if (settings.bos < 0)
    settings.bos = (*model)->bosId();
  if (settings.eos.empty() && (*model)->eosId() >= 0)
    settings.eos = {(*model)->eosId()};
  return create(format, std::move(*model), std::move(settings), name);
}

Expected<std::unique_ptr<Tokenizer>> Tokenizer::fromGguf(const GgufVocabulary &vocabulary, TokenizerSettings settings,
                                                         const std::string &name) {
  if (!vocabulary.types.empty() && vocabulary.types.size() != vocabulary.tokens.size())
    return makeError("{}: tokenizer.ggml.token_type has {} entries; expected {}, one for each token", name,
                     vocabulary.types.size(), vocabulary.tokens.size());
  settings.addBos = vocabulary.addBos.value_or(addsBosByDefault(vocabulary).value_or(false));
  settings.addEos = vocabulary.addEos.value_or(false);
  if (vocabulary.model == "llama") {
    auto bytes = sentencePieceBytes(vocabulary, name);
    if (!bytes)
      return passError(std::move(bytes));
    return fromBytes(TokenizerFormat::SentencePiece, *bytes, std::move(settings), name);
  }
  if (vocabulary.model.empty())
    return makeError("{}: tokenizer.ggml.model is missing; expected llama, gpt2 or gemma4", name);
  if (vocabulary.model != "gpt2" && vocabulary.model != "gemma4")
    return makeError("{}: tokenizer.ggml.model is '{}'; expected llama, gpt2 or gemma4", name, vocabulary.model);
  auto model = bpeModel(vocabulary, name);
  if (!model)
    return passError(std::move(model));
  return create(TokenizerFormat::HuggingFace, std::move(*model), std::move(settings), name);
}

Expected<std::vector<int32_t>> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  if (text.size() > kLongestText)
    return makeError("the text has {} bytes, more than {}", text.size(), kLongestText);
  if (auto offset = findInvalidUtf8(text))
    return makeError("the text is not valid UTF-8 at byte {}", *offset);
  std::vector<int32_t> ids;
  if (options.addSpecialTokens) {
    ids = model->before();
    if (settings.addBos && settings.bos >= 0)
      ids.push_back(settings.bos);
  }
  if (auto done = model->encode(text, options.parseSpecialTokens, ids); !done)
    return passError(std::move(done));
  if (options.addSpecialTokens) {
    std::vector<int32_t> after = model->after();
    ids.insert(ids.end(), after.begin(), after.end());
    if (settings.addEos && !settings.eos.empty())
      ids.push_back(settings.eos.front());
  }
  return ids;
}

std::string Tokenizer::decode(const std::vector<int32_t> &ids, DecodeOptions options) const {
  DecodeStream decoder = stream(options);
  std::string text;
  for (int32_t id : ids)
    text += decoder.push(id);
  return text += decoder.finish();
}

DecodeStream Tokenizer::stream(DecodeOptions options) const { return DecodeStream(*model, options); }

bool Tokenizer::isEos(int32_t id) const {
  return std::find(settings.eos.begin(), settings.eos.end(), id) != settings.eos.end();
}

int32_t Tokenizer::vocabSize() const { return model->size(); }
int32_t Tokenizer::find(std::string_view token) const { return model->find(token); }
std::string_view Tokenizer::tokenText(int32_t id) const { return model->tokenText(id); }
bool Tokenizer::isSpecial(int32_t id) const { return model->isSpecial(id); }

} // namespace quipu
