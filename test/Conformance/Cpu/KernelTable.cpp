#include "test/Conformance/Cpu/KernelTable.h"

#include "compiler/Codegen/Cpu/CpuKernelChoice.h"

namespace quipu::cpu::conformance {
namespace {

const std::vector<ElementType> cacheElements = {ElementType::F32, ElementType::F16, ElementType::BF16, ElementType::I8};

// A score is a float32 sum of up to 128 products, and is exponentiated. A dot product of bf16 takes queries and weights
// rounded to bf16, one of bytes queries rounded to int8.
double attentionTolerance(ElementType element, const Chip &chip) {
  bool rounds = element == ElementType::BF16 ? chip.hasBf16Dot : element == ElementType::I8 && chip.hasVnni;
  return rounds ? 2e-2 : 1e-5;
}

std::vector<KernelRow> cpuAttentionRows(const Chip &chip) {
  using quipu::conformance::AttentionCase;
  std::vector<KernelRow> rows;
  for (ElementType element : cacheElements)
    for (const AttentionCase &shape : {AttentionCase{8, 2, 64, 0, element},
                                       {6, 6, 20, 0, element},      // no GQA, a head that fills no whole vector
                                       {3, 1, 8, 7, element},       // an odd group, a window inside a page
                                       {32, 1, 128, 40, element},   // a group larger than a tile
                                       {8, 2, 64, 0, element, 1.5}, // capped where most scores feel it
                                       {6, 2, 20, 7, element, 1.5}}) {
      // Both variants, as the target has them.
      AttentionShape asked = kernelShape(shape);
      CpuKernelChoice choice(chip);
      for (VariantChoice &variant : choice.attention(asked)) {
        rows.push_back(
            attentionRow(shape, "keys_transposed", attentionTolerance(element, chip), choice.attentionPartials(asked)));
        if (variant.stages.size() > 1) {
          rows.back().name += "_splits";
          rows.back().sizes.insert(rows.back().sizes.end(), {longContexts, longAmongMany, longAlone});
          rows.back().workers.push_back(19); // more parts of a sequence than many sequences may have
        }
        rows.back().stages = std::move(variant.stages);
      }
    }
  return rows;
}

Operand tableAsPanels(const std::vector<float> &table, int64_t rows, int64_t dim, ElementType element) {
  return asPanels(table, PanelLayout(rows, dim, format(name(element))));
}

Operand tableAsIs(const std::vector<float> &table, int64_t, int64_t, ElementType element) {
  return stored(table, element);
}

} // namespace

std::vector<KernelRow> kernelTable(const Chip &chip) {
  const std::vector<ElementType> elements = {ElementType::F32, ElementType::F16, ElementType::BF16};
  auto sample = [](int64_t n) -> std::vector<KernelSpec> {
    return {{"", "sample", {{"n", n}, {"rows_dim", int64_t(Rows)}}}};
  };
  std::vector<KernelRow> table;
  for (const std::vector<KernelRow> &rows :
       {cpuAttentionRows(chip), ropeRows("keys_transposed", cacheElements),
        embeddingRows(elements, "row_major", tableAsIs), embeddingRows(elements, "panel64", tableAsPanels),
        blockEmbeddingRows(), matmulRows(chip), expertRows(chip), routeRows(), rowwiseRows(), familyRowwiseRows(),
        familyRopeRows("keys_transposed", cacheElements), sampleRows(sample)})
    table.insert(table.end(), rows.begin(), rows.end());
  return table;
}

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
        auto half = _Float16(value);
        if (layout.format.dtype == fb::DType::f32)
          std::memcpy(panel + (k * panelRows + inPanel) * 4, &value, 4);
        else if (layout.format.dtype == fb::DType::f16)
          std::memcpy(panel + (k * panelRows + inPanel) * 2, &half, 2);
        else
          std::memcpy(panel + ((k / 2 * panelRows + inPanel) * 2 + k % 2) * 2, &bits, 2);
      }
  return operand;
}

} // namespace quipu::cpu::conformance
