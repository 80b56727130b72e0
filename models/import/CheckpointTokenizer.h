// The tokenizer that comes with a checkpoint.
#pragma once

#include "models/import/gguf/Gguf.h"
#include "runtime/Text/Tokenizer.h"

namespace quipu::models {

// From the files of a Hugging Face directory or the metadata of a GGUF file; null where there is none.
Expected<std::unique_ptr<Tokenizer>> openTokenizer(const std::string &checkpoint);

// From tokenizer.ggml.* and tokenizer.chat_template; null where the file has no tokens.
Expected<std::unique_ptr<Tokenizer>> readGgufTokenizer(const GgufFile &file);

} // namespace quipu::models
