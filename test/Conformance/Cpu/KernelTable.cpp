#include "test/Conformance/Cpu/KernelTable.h"

#include <random>

namespace quipu::cpu::conformance {

std::vector<KernelRow> kernelTable() {
  std::vector<KernelRow> table;
  for (auto rows : {embeddingRows})
    for (KernelRow &row : rows())
      table.push_back(std::move(row));
  return table;
}

std::vector<float> randomValues(size_t count, uint32_t seed) {
  std::mt19937 engine(seed); // its sequence is fixed by the standard, a distribution's is not
  std::vector<float> values(count);
  for (float &value : values)
    value = float(int32_t(engine() >> 8) - (1 << 23)) / float(1 << 23);
  return values;
}

uint16_t toBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return uint16_t((bits >> 16) | 0x40);
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float fromBf16(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

std::vector<uint16_t> toBf16(const std::vector<float> &values) {
  std::vector<uint16_t> bits;
  for (float value : values)
    bits.push_back(toBf16(value));
  return bits;
}

std::vector<float> rounded(const std::vector<float> &values, Storage storage) {
  if (storage == Storage::F32)
    return values;
  std::vector<float> result;
  for (float value : values)
    result.push_back(fromBf16(toBf16(value)));
  return result;
}

} // namespace quipu::cpu::conformance
