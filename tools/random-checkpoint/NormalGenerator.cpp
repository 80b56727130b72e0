#include "tools/random-checkpoint/NormalGenerator.h"

#include <cmath>

namespace quipu::random_checkpoint {

namespace {

// The ziggurat method in Doornik's form ("An Improved Ziggurat Method to Generate Normal Random Samples", 2005): the
// area under the bell curve is cut into layers of equal area; a point in a layer's inner rectangle, as 99 % are, costs
// one multiplication. tailStart and layerArea are the paper's for 256 layers.
constexpr int layers = 256;
constexpr double tailStart = 3.6541528853610088;
constexpr double layerArea = 4.92867323399e-3;

struct Ziggurat {
  double edge[layers + 1]; // right edges, from the base layer to the top
  double inner[layers];    // share of a layer that lies under the curve for sure

  Ziggurat() noexcept {
    double height = std::exp(-0.5 * tailStart * tailStart);
    edge[0] = layerArea / height; // the base layer holds the tail as well
    edge[1] = tailStart;
    edge[layers] = 0;
    for (int i = 2; i < layers; ++i) {
      edge[i] = std::sqrt(-2 * std::log(layerArea / edge[i - 1] + height));
      height = std::exp(-0.5 * edge[i] * edge[i]);
    }
    for (int i = 0; i < layers; ++i)
      inner[i] = edge[i + 1] / edge[i];
  }
};

const Ziggurat ziggurat;

uint64_t splitMix64(uint64_t &state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t rotateLeft(uint64_t value, int count) { return value << count | value >> (64 - count); }

} // namespace

NormalGenerator::NormalGenerator(uint64_t seed, uint64_t stream, uint64_t substream) {
  uint64_t mixed = seed;
  mixed = splitMix64(mixed) ^ stream;
  mixed = splitMix64(mixed) ^ substream;
  for (uint64_t &word : state)
    word = splitMix64(mixed);
}

// xoshiro256++ (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021).
uint64_t NormalGenerator::bits() {
  uint64_t result = rotateLeft(state[0] + state[3], 23) + state[0];
  uint64_t shifted = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= shifted;
  state[3] = rotateLeft(state[3], 45);
  return result;
}

double NormalGenerator::uniform() { return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52; }

double NormalGenerator::next() {
  for (;;) {
    uint64_t word = bits();
    auto layer = static_cast<int>(word & (layers - 1));
    double u =
        static_cast<double>(static_cast<int64_t>(word) >> 11) * 0x1p-52; // in [-1, 1); the layer's bits are cut off
    double x = u * ziggurat.edge[layer];
    if (std::fabs(u) < ziggurat.inner[layer])
      return x;
    if (layer == 0)
      return tail(u < 0);
    double low = std::exp(-0.5 * (ziggurat.edge[layer] * ziggurat.edge[layer] - x * x));
    double high = std::exp(-0.5 * (ziggurat.edge[layer + 1] * ziggurat.edge[layer + 1] - x * x));
    if (high + uniform() * (low - high) < 1)
      return x;
  }
}

// Marsaglia's method for the tail of the normal distribution.
double NormalGenerator::tail(bool negative) {
  double x, y;
  do {
    x = std::log(uniform()) / tailStart;
    y = std::log(uniform());
  } while (-2 * y < x * x);
  return negative ? x - tailStart : tailStart - x;
}

} // namespace quipu::random_checkpoint
