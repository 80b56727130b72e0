// What an attention launch computes, as its kernels see it: what targets choose them by, and what every attention
// generator reads first.
#pragma once

#include "compiler/Codegen/KernelSpec.h"

#include <string>

namespace quipu {

struct AttentionShape {
  int64_t heads = 0;
  int64_t kvHeads = 0;
  int64_t dim = 0;  // of a head
  std::string elem; // of the cache, by its name
  int64_t pageSize = 0;
  double scale = 1;
  int64_t window = 0; // 0: none
  double softcap = 0; // of scaled scores: cap * tanh(score / cap); 0: none

  int64_t group() const { return heads / kvHeads; } // query heads that share a KV head

  // "attention_bf16_h32_kv8_d64"
  std::string symbolStem() const;
  KernelParams params() const;
  // Of what params() gives. Errors are those of the reader.
  static AttentionShape read(ParamReader &params);
};

} // namespace quipu
