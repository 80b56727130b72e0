// A fast source of normal deviates, the same for the same seed: about 3 ns each.
#pragma once

#include <cstdint>

namespace quipu::random_checkpoint {

class NormalGenerator {
public:
  // Generators of different (seed, stream, substream) are independent.
  NormalGenerator(uint64_t seed, uint64_t stream, uint64_t substream);

  double next(); // mean 0, standard deviation 1

private:
  uint64_t bits();
  double uniform(); // in (0, 1)
  double tail(bool negative);

  uint64_t state[4];
};

} // namespace quipu::random_checkpoint
