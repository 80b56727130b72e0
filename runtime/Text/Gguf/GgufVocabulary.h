// The tokenizer of a GGUF file (its keys tokenizer.ggml.*), brought into the form of the formats that Quipu knows:
// "gpt2" and "gemma4" are the BPE of a tokenizer.json, "llama" that of a tokenizer.model.
#pragma once

#include "runtime/Support/Error.h"
#include "runtime/Text/HuggingFace/HuggingFaceModel.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

struct GgufVocabulary {
  std::string model;                    // "llama", "gpt2", "gemma4"
  std::string preTokenizer;             // "gpt-2", "llama-bpe", ...; empty: not given
  std::vector<std::string_view> tokens; // the index is the id
  std::vector<float> scores;            // of "llama"
  std::vector<int32_t> types;           // GgufTokenType; empty: all normal
  std::vector<std::string_view> merges; // but for "llama": two tokens with a space between, best first
  int32_t unknown = -1;                 // id; -1: not given
  std::optional<bool> addBos, addEos, addSpacePrefix;
};

// As SentencePiece numbers the types of pieces.
enum class GgufTokenType { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

// Whether a text of this vocabulary begins with BOS where the file does not say; null for other vocabularies.
std::optional<bool> addsBosByDefault(const GgufVocabulary &vocabulary);

// For "gpt2" and "gemma4". Errors begin with `name`; unknown pre-tokenizers are refused by name.
Expected<std::unique_ptr<HuggingFaceModel>> bpeModel(const GgufVocabulary &vocabulary, const std::string &name);

// For "llama": the bytes of a tokenizer.model with the same pieces, which is also how an artifact carries it.
Expected<std::string> sentencePieceBytes(const GgufVocabulary &vocabulary, const std::string &name);

} // namespace quipu
