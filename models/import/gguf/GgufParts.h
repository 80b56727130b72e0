// A GGUF model on disk: one file, or several parts by llama.cpp's names, FILE-00001-of-00003.gguf and so on. The first
// part has the metadata; tensors lie in all of them.
#pragma once

#include "models/import/gguf/Gguf.h"
#include "runtime/Support/MappedFile.h"

namespace quipu::models {

struct GgufParts {
  GgufFile file;                  // the first part, with the tensors of all
  std::vector<MappedFile> mapped; // what it points into

  // Opens `path`, the only file or the first part, and with it the other parts beside it. Errors name the part: one
  // that is missing, one that is not what its name says, a path that is not the first part's.
  static Expected<GgufParts> open(const std::string &path);
};

} // namespace quipu::models
