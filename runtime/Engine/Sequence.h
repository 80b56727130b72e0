// One text in the making: its tokens, how many of them the cache holds, and its pages.
#pragma once

#include "runtime/Engine/Sampling.h"

#include <cstdint>
#include <vector>

namespace quipu {

using SequenceId = uint64_t;

enum class FinishReason : uint8_t {
  None,        // goes on
  Eos,         // the token ends the text
  Length,      // as many new tokens as were asked for
  ContextFull, // no position is left for another token
  Stopped,     // the caller of generate() wanted no more
};

struct Sequence {
  Sequence(SequenceId id, std::vector<int32_t> prompt, const SamplingParams &params, uint32_t vocab)
      : id(id), promptTokens(prompt.size()), tokens(std::move(prompt)), params(params) {
    if (params.repetitionPenalty == 1)
      return;
    seen.resize(seenWords(vocab));
    for (int32_t token : tokens)
      see(token);
  }

  // Takes the token that was drawn for it.
  void append(int32_t token) {
    tokens.push_back(token);
    see(token);
  }
  RowSampling sampling() const { return rowSampling(params, tokens.size() - promptTokens); }

  uint64_t pending() const { return tokens.size() - cached; }
  bool decoding() const { return cached >= promptTokens; }

  SequenceId id;
  size_t promptTokens;
  std::vector<int32_t> tokens; // prompt and generated
  size_t cached = 0;           // tokens whose keys and values are in the cache
  uint32_t maxNew = 0;
  bool wantLogits = false;
  std::vector<int32_t> pages; // enough for all tokens it can have; empty while it waits
  SamplingParams params;
  std::vector<uint32_t> seen; // of each token a bit, as in a step; empty where there is no penalty

private:
  void see(int32_t token) {
    if (!seen.empty())
      seen[static_cast<uint32_t>(token) / 32] |= 1u << (token % 32);
  }
};

} // namespace quipu
