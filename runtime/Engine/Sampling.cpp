#include "runtime/Engine/Sampling.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace quipu {

Expected<void> checkSampling(const SamplingParams &params) {
  // Written so that NaN fails too.
  if (!(params.temperature >= 0 && std::isfinite(params.temperature)))
    return makeError("temperature {} must be 0 or more", params.temperature);
  if (!(params.topP > 0 && params.topP <= 1))
    return makeError("top-p {} must be above 0 and at most 1", params.topP);
  if (!(params.minP >= 0 && params.minP <= 1))
    return makeError("min-p {} must be from 0 to 1", params.minP);
  if (!(params.repetitionPenalty > 0 && std::isfinite(params.repetitionPenalty)))
    return makeError("repetition penalty {} must be above 0", params.repetitionPenalty);
  return {};
}

// The key is scattered itself, so that one draw's noise is not the next one's of a neighbouring token.
RowSampling rowSampling(const SamplingParams &params, uint64_t drawn) {
  RowSampling row;
  // Kernels divide by it. Among float32 logits a smaller one cannot choose differently.
  row.temperature = params.temperature == 0 ? 0 : std::max(params.temperature, FLT_MIN);
  row.topK = params.topK;
  row.topP = params.topP;
  row.minP = params.minP;
  row.repetitionPenalty = params.repetitionPenalty;
  row.key = splitMix64(params.seed * 0xd1342543de82ef95 + (drawn + 1) * splitMix64Step);
  return row;
}

} // namespace quipu
