#include "test/Conformance/KernelRow.h"

#include <cmath>
#include <random>

namespace quipu::conformance {

std::string name(ElementType type) {
  static constexpr const char *names[] = {"f32", "bf16", "f16", "i32", "i8"};
  return names[size_t(type)];
}

size_t bytesOf(ElementType type) {
  return type == ElementType::I8 ? 1 : type == ElementType::BF16 || type == ElementType::F16 ? 2 : 4;
}

static double element(const std::vector<uint8_t> &bytes, const Expectation &expected, size_t i) {
  if (expected.read)
    return expected.read(bytes, i);
  ElementType type = expected.type;
  const uint8_t *at = bytes.data() + bytesOf(type) * i;
  uint16_t half;
  float real;
  int32_t integer;
  std::memcpy(&half, at, 2);
  if (type == ElementType::BF16)
    return fromBf16(half);
  if (type == ElementType::F16) {
    _Float16 value;
    std::memcpy(&value, at, 2);
    return double(value);
  }
  std::memcpy(&real, at, 4);
  std::memcpy(&integer, at, 4);
  return type == ElementType::I32 ? double(integer) : double(real);
}

// Of the largest value an element may differ by, how much it differs: over 1 is too much.
static double shareOfTolerance(const KernelRow &row, const Expectation &expected, size_t i, double got) {
  double want = expected.value[i];
  if (got == want || (std::isnan(got) && std::isnan(want)))
    return 0;
  if (expected.type == ElementType::I32)
    return HUGE_VAL;
  double scale = std::abs(want) + (expected.magnitude.empty() ? 0 : expected.magnitude[i]);
  double share = std::abs(got - want) / (scale * row.tolerance);
  return std::isnan(share) ? HUGE_VAL : share;
}

std::string compare(const KernelRow &row, const Problem &problem) {
  for (const Expectation &expected : problem.expected) {
    const std::vector<uint8_t> &bytes = problem.operands[expected.operand].bytes;
    double worst = 1;
    size_t worstAt = 0;
    for (size_t i = 0; i < expected.value.size(); ++i) {
      double share = shareOfTolerance(row, expected, i, element(bytes, expected, i));
      if (share > worst)
        worst = share, worstAt = i;
    }
    if (worst > 1)
      return fmt::format("operand {} element {}: got {}, want {} ({} times the tolerance of {})", expected.operand,
                         worstAt, element(bytes, expected, worstAt), expected.value[worstAt], worst, row.tolerance);
  }
  return "";
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

Operand stored(const std::vector<float> &values, ElementType type) {
  if (type == ElementType::F32)
    return Operand::of(values);
  if (type == ElementType::BF16)
    return Operand::of(toBf16(values));
  return Operand::of(std::vector<_Float16>(values.begin(), values.end()));
}

std::vector<float> rounded(const std::vector<float> &values, ElementType type) {
  std::vector<float> result = values;
  for (float &value : result)
    value = type == ElementType::BF16  ? fromBf16(toBf16(value))
            : type == ElementType::F16 ? float(_Float16(value))
                                       : value;
  return result;
}

} // namespace quipu::conformance
