#include "runtime/Device/RandomWeights.h"

#include <cstring>
#include <random>

namespace quipu {

namespace {

// Values of magnitude 2^-10 to 2^-5, from random bits: any sign and fraction, one of five exponents.
uint32_t smallF32(uint64_t bits) {
  return static_cast<uint32_t>(bits & 0x807fffff) | (127 - 10 + static_cast<uint32_t>(bits >> 32) % 5) << 23;
}
uint32_t smallBf16(uint32_t bits, uint32_t choice) { return (bits & 0x807f) | (127 - 10 + choice % 5) << 7; }
uint32_t smallF16(uint32_t bits, uint32_t choice) { return (bits & 0x83ff) | (15 - 10 + choice % 5) << 10; }

uint32_t wordOf(fb::DType dtype, uint64_t bits) {
  auto low = static_cast<uint32_t>(bits), high = static_cast<uint32_t>(bits >> 32);
  switch (dtype) {
  case fb::DType::f32:
    return smallF32(bits);
  case fb::DType::bf16:
    return smallBf16(low & 0xffff, high) | smallBf16(low >> 16, high >> 8) << 16;
  case fb::DType::f16:
    return smallF16(low & 0xffff, high) | smallF16(low >> 16, high >> 8) << 16;
  default:
    // Of blocks with scales of 16 bits anywhere: no exponent has all bits set.
    return (low & 0x8f8f8f8f) | 0x20202020;
  }
}

} // namespace

const std::vector<uint32_t> &RandomWeights::patternOf(fb::DType dtype) {
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<uint32_t> &pattern = patterns[dtype];
  if (pattern.empty()) {
    std::mt19937_64 random(20250117);
    pattern.resize(2 * randomPieceBytes / sizeof(uint32_t));
    for (uint32_t &word : pattern)
      word = wordOf(dtype, random());
  }
  return pattern;
}

void RandomWeights::fill(fb::DType dtype, uint64_t seed, std::byte *to, uint64_t bytes) {
  // Pieces begin at different places, so that equal rows are rare.
  uint64_t start = seed * 2654435761u % (randomPieceBytes / 64) * 64;
  std::memcpy(to, reinterpret_cast<const std::byte *>(patternOf(dtype).data()) + start, bytes);
}

} // namespace quipu
