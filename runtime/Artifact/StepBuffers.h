// The buffers that the step program shares with the runtime, by name. The runtime fills the inputs from the ragged
// batch and knows their sizes; docs/architecture.md says what is in them.
#pragma once

#include "runtime/Artifact/Program_generated.h"

#include <array>
#include <optional>
#include <string_view>

namespace quipu {

enum class StepInput : uint8_t { Ids, Positions, Slots, SeqStarts, ContextLens, PageTable, Rows, Sampling, Seen };
constexpr std::array<std::string_view, 9> stepInputNames = {
    "ids", "positions", "slots", "seq_starts", "context_lens", "page_table", "rows", "sampling", "seen"};

enum class StepOutput : uint8_t { Logits, Sampled };
constexpr std::array<std::string_view, 2> stepOutputNames = {"logits", "sampled"};

std::optional<StepInput> findStepInput(std::string_view name);
std::optional<StepOutput> findStepOutput(std::string_view name);

// The largest values of the symbolic dims of a step.
struct StepLimits {
  uint64_t tokens;
  uint64_t sequences;
  uint64_t rows;
  uint64_t pageStride;

  // The largest value of one dim; 1 for `none`.
  uint64_t of(fb::Dim dim) const;
};

// Bytes of an input at these limits, of a model with so many tokens in its vocabulary.
uint64_t stepInputBytes(StepInput input, const StepLimits &limits, uint32_t vocab);
// Bytes of an output or activation at these limits; nothing where they pass 2^48.
std::optional<uint64_t> stepBufferBytes(const fb::Buffer &buffer, const StepLimits &limits);

} // namespace quipu
