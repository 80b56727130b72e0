// The GGUF format, versions 2 and 3: "GGUF", version, counts, metadata (typed values under names), tensor headers
// (name, shape, type, offset), padding, data. Everything in it is checked before use: a file from anywhere may be
// opened. (Specification: github.com/ggml-org/ggml, docs/gguf.md.)
#pragma once

#include "models/import/DType.h"
#include "runtime/Support/Error.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quipu::models {

// As numbered in the file.
enum class GgufType : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64 };

// A metadata value, or an array of values of one type, where it lies in the file. The encoding is checked: strings end
// inside `bytes`, and truth values are 0 or 1.
struct GgufValue {
  GgufType type; // of an array: of its elements
  bool isArray = false;
  uint64_t count = 1;
  std::string_view bytes;
};

struct GgufTensor {
  std::string_view name;
  DType dtype;
  std::vector<int64_t> shape; // outermost first: the reverse of the file's order
  uint64_t offset;            // from the start of the data
  size_t bytes;
  const std::byte *data;
  std::string file = {}; // its name, for messages: a model may lie in several
};

struct GgufFile {
  std::string name; // for messages
  std::unordered_map<std::string_view, GgufValue> metadata;
  std::vector<GgufTensor> tensors; // in the order of their offsets

  const GgufValue *find(std::string_view key) const; // null if there is none

  // Reads a whole file, which the result points into; `name` is its name in messages. Refuses: other versions,
  // truncation, counts and lengths beyond the file, arrays of arrays, keys and tensor names given twice, tensor types
  // without a name, sizes that overflow or are no whole blocks, offsets that are not aligned, tensors that overlap or
  // lie beyond the data.
  static Expected<GgufFile> parse(const std::byte *data, size_t size, const std::string &name);
};

// The magic a file of this format begins with.
constexpr std::string_view ggufMagic = "GGUF";

} // namespace quipu::models
