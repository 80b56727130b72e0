// Numbers to measure speed with: a step takes the same time whatever the weights are, as long as they are numbers, and
// a machine needs no copy of the model's.
#pragma once

#include "runtime/Artifact/Program_generated.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace quipu {

constexpr uint64_t randomPieceBytes = uint64_t(8) << 20;

class RandomWeights {
public:
  // Fills at most randomPieceBytes with values of a type, the same for the same seed: of magnitude 0.001 to 0.06 where
  // the type is a floating-point one, else bytes that are no NaN read as any of these types.
  void fill(fb::DType dtype, uint64_t seed, std::byte *to, uint64_t bytes);

private:
  const std::vector<uint32_t> &patternOf(fb::DType dtype);

  std::mutex mutex;
  std::map<fb::DType, std::vector<uint32_t>> patterns; // each of twice randomPieceBytes: pieces begin anywhere in it
};

} // namespace quipu
