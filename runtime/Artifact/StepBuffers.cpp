#include "runtime/Artifact/StepBuffers.h"

#include "runtime/Artifact/RowSampling.h"
#include "runtime/Artifact/WeightLayout.h"

#include <algorithm>

namespace quipu {

namespace {

template <typename Enum, size_t Count>
std::optional<Enum> find(const std::array<std::string_view, Count> &names, std::string_view name) {
  auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

} // namespace

std::optional<StepInput> findStepInput(std::string_view name) { return find<StepInput>(stepInputNames, name); }
std::optional<StepOutput> findStepOutput(std::string_view name) { return find<StepOutput>(stepOutputNames, name); }

uint64_t StepLimits::of(fb::Dim dim) const {
  switch (dim) {
  case fb::Dim::tokens:
    return tokens;
  case fb::Dim::sequences:
    return sequences;
  case fb::Dim::rows:
    return rows;
  case fb::Dim::page_stride:
    return pageStride;
  case fb::Dim::none:
    return 1;
  }
  return 1;
}

uint64_t stepInputBytes(StepInput input, const StepLimits &limits, uint32_t vocab) {
  switch (input) {
  case StepInput::Ids:
  case StepInput::Positions:
  case StepInput::Slots:
    return limits.tokens * 4;
  case StepInput::SeqStarts:
    return (limits.sequences + 1) * 4;
  case StepInput::ContextLens:
    return limits.sequences * 4;
  case StepInput::PageTable:
    return limits.sequences * limits.pageStride * 4;
  case StepInput::Rows:
    return limits.rows * 4;
  case StepInput::Sampling:
    return limits.rows * sizeof(RowSampling);
  case StepInput::Seen:
    return limits.rows * seenWords(vocab) * 4;
  }
  return 0;
}

std::optional<uint64_t> stepBufferBytes(const fb::Buffer &buffer, const StepLimits &limits) {
  uint64_t rows = limits.of(buffer.rows()) + buffer.extra_rows();
  uint64_t values, bytes;
  if (__builtin_mul_overflow(rows, buffer.columns(), &values) ||
      __builtin_mul_overflow(values, dtypeBytes(buffer.dtype()), &bytes) || bytes > uint64_t(1) << 48)
    return std::nullopt;
  return bytes;
}

} // namespace quipu
