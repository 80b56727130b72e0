#include "test/Conformance/Cpu/KernelTable.h"

#include <random>

namespace quipu::cpu::conformance {

std::vector<KernelRow> kernelTable() {
  std::vector<KernelRow> table;
  for (auto rows : {attentionRows, embeddingRows, matmulRows, rowwiseRows})
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

std::string name(Storage storage) { return storage == Storage::F32 ? "f32" : "bf16"; }

Operand asPanels(const std::vector<float> &w, const PanelLayout &layout) {
  Operand operand;
  operand.bytes.resize(size_t(layout.bytes()));
  int64_t perPanel = layout.outputsPerPanel();
  for (int64_t half = 0; half < (layout.gated ? 2 : 1); ++half)
    for (int64_t row = 0; row < layout.n; ++row)
      for (int64_t k = 0; k < layout.k; ++k) {
        float value = w[size_t((half * layout.n + row) * layout.k + k)];
        int64_t inPanel = half * perPanel + row % perPanel;
        uint8_t *panel = operand.bytes.data() + row / perPanel * layout.panelBytes();
        uint16_t bits = toBf16(value);
        if (layout.storage == Storage::F32)
          std::memcpy(panel + (k * panelRows + inPanel) * 4, &value, 4);
        else
          std::memcpy(panel + ((k / 2 * panelRows + inPanel) * 2 + k % 2) * 2, &bits, 2);
      }
  return operand;
}

} // namespace quipu::cpu::conformance
