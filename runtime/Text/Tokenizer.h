// Text to token ids and back. Made from the files of a checkpoint, or from what an artifact carries of them.
//
//   auto tokenizer = Tokenizer::fromFiles("llama/");
//   auto ids = (*tokenizer)->encode("Once upon a time");
//   std::string text = (*tokenizer)->decode(*ids);
//
// A tokenizer does not change after it is made; any number of threads may use it.
#pragma once

#include "runtime/Support/Error.h"
#include "runtime/Text/DecodeStream.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

class TextModel;
struct GgufVocabulary;

enum class TokenizerFormat {
  HuggingFace,   // tokenizer.json with a BPE model
  SentencePiece, // tokenizer.model with a BPE model
};

// What the files beside the tokenizer say about its use.
struct TokenizerSettings {
  int32_t bos = -1;         // -1: none
  std::vector<int32_t> eos; // any of these ends generation
  bool addBos = false;      // where the tokenizer's own format does not say it, as tokenizer.json does
  bool addEos = false;      // likewise
  std::string chatTemplate; // Jinja source; empty: none
};

struct EncodeOptions {
  bool addSpecialTokens = true;   // BOS and the like, where the tokenizer asks for them
  bool parseSpecialTokens = true; // "<|im_start|>" in the text is that token; otherwise it is ordinary text
};

class Tokenizer {
public:
  // Reads tokenizer.json, or else tokenizer.model, and of tokenizer_config.json, chat_template.jinja,
  // generation_config.json and config.json those that are there.
  static Expected<std::unique_ptr<Tokenizer>> fromFiles(const std::string &folder);

  // From the bytes of a tokenizer.json or tokenizer.model; errors begin with `name`.
  static Expected<std::unique_ptr<Tokenizer>> fromBytes(TokenizerFormat format, std::string_view bytes,
                                                        TokenizerSettings settings, const std::string &name);

  // From the vocabulary in a GGUF file, which decides addBos and addEos as well; errors begin with `name`.
  static Expected<std::unique_ptr<Tokenizer>> fromGguf(const GgufVocabulary &vocabulary, TokenizerSettings settings,
                                                       const std::string &name);

  // One self-contained byte string, the same for the same input, for an artifact to embed; deserialize reads it back.
  std::string serialize() const;
  static Expected<std::unique_ptr<Tokenizer>> deserialize(std::string_view bytes);

  // Token ids of a text. Text that is not UTF-8 is an error that names the byte offset.
  Expected<std::vector<int32_t>> encode(std::string_view text, EncodeOptions options = {}) const;

  // The text of ids; ids without a token give nothing, and bytes that are no UTF-8 give U+FFFD.
  std::string decode(const std::vector<int32_t> &ids, DecodeOptions options = {}) const;

  // For ids that come one by one. The tokenizer must outlive the stream.
  DecodeStream stream(DecodeOptions options = {}) const;

  int32_t bos() const { return settings.bos; }
  const std::vector<int32_t> &eos() const { return settings.eos; }
  bool isEos(int32_t id) const;
  const std::string &chatTemplate() const { return settings.chatTemplate; }

  TokenizerFormat format() const { return kind; }
  int32_t vocabSize() const;                    // largest id plus one
  int32_t find(std::string_view token) const;   // the id of a token as the vocabulary spells it, or -1
  std::string_view tokenText(int32_t id) const; // the reverse; empty: no such id
  bool isSpecial(int32_t id) const;

  ~Tokenizer();

private:
  Tokenizer(TokenizerFormat kind, std::unique_ptr<TextModel> model, TokenizerSettings settings);
  static Expected<std::unique_ptr<Tokenizer>> create(TokenizerFormat kind, std::unique_ptr<TextModel> model,
                                                     TokenizerSettings settings, const std::string &name);

  TokenizerFormat kind;
  std::unique_ptr<TextModel> model;
  TokenizerSettings settings;
};

} // namespace quipu
