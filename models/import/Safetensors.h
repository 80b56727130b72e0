// The safetensors format: eight bytes of little-endian header length N, N bytes of JSON that give each tensor's dtype,
// shape and [begin, end) in the data, then the data. Everything in it is checked before use: a file from anywhere may
// be opened. (Specification: github.com/huggingface/safetensors, "Format".)
#pragma once

#include "models/import/Checkpoint.h"

namespace quipu::models {

// Reads the header of a whole file of `size` bytes and returns its tensors, which point into `data`, in the order of
// their offsets. `file` is the name in messages and in TensorInfo::file. Refuses: truncation, headers over 100 MB, JSON
// that is not a header, names given twice, unknown dtypes, sizes that overflow or differ from the offsets, tensors that
// overlap, bytes between or after the tensors that belong to none.
Expected<std::vector<TensorInfo>> parseSafetensors(const std::byte *data, size_t size, const std::string &file);

} // namespace quipu::models
