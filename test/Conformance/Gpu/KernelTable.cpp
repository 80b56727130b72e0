#include "test/Conformance/Gpu/KernelTable.h"

#include "compiler/Codegen/Gpu/WeightLayout.h"
#include "compiler/Target/Cuda/Chips.h"
#include "compiler/Target/Hip/Chips.h"

namespace quipu::gpu::conformance {

Chip chipNamed(const std::string &name) {
  auto chip = name.substr(0, 3) == "sm_" ? cuda::findChip(name) : hip::findChip(name);
  return chip ? *chip : Chip{};
}

// Element by element, as WeightLayout.h states it.
Operand asTiles(const std::vector<float> &w, int64_t n, int64_t k, ElementType element, bool gated) {
  TileLayout layout{n, k, int64_t(bytesOf(element)), gated};
  Operand plain = stored(w, element), tiles;
  tiles.bytes.resize(size_t(layout.bytes()));
  for (int64_t half = 0; half < (gated ? 2 : 1); ++half)
    for (int64_t row = 0; row < n; ++row)
      for (int64_t column = 0; column < k; ++column) {
        int64_t inTile = half * layout.panelColumns() + row % layout.panelColumns();
        int64_t byte = column % layout.tileColumns() * layout.elementBytes;
        int64_t at = row / layout.panelColumns() * layout.panelBytes() + column / layout.tileColumns() * tileBytes +
                     chunkPlace(inTile, byte / tileChunkBytes) + byte % tileChunkBytes;
        std::memcpy(&tiles.bytes[size_t(at)],
                    &plain.bytes[size_t(((half * n + row) * k + column) * layout.elementBytes)],
                    size_t(layout.elementBytes));
      }
  return tiles;
}

namespace {

Operand tableAsTiles(const std::vector<float> &table, int64_t rows, int64_t dim, ElementType element) {
  return asTiles(table, rows, dim, element, false);
}

Operand tableAsIs(const std::vector<float> &table, int64_t, int64_t, ElementType element) {
  return stored(table, element);
}

std::vector<KernelSpec> sampleStages(int64_t n) { return {{"", "sample", {{"n", n}, {"rows_dim", int64_t(Rows)}}}}; }

std::vector<KernelSpec> splitSampleStages(int64_t n) {
  KernelParams params = {{"n", n}, {"rows_dim", int64_t(Rows)}, {"splits", int64_t(5)}, {"rows", int64_t(8)}};
  return {{"", "sample_split", params}, {"", "sample_merge", params}};
}

// The last batch of sample's rows has more than the splitting kernels take.
std::vector<KernelRow> splitSampleRows() {
  std::vector<KernelRow> rows = sampleRows(splitSampleStages);
  for (KernelRow &row : rows) {
    row.name += "_split5";
    row.sizes.pop_back();
  }
  return rows;
}

} // namespace

std::vector<KernelRow> kernelTable(const Chip &chip) {
  const std::vector<ElementType> elements = {ElementType::F32, ElementType::BF16, ElementType::F16};
  std::vector<KernelRow> table;
  for (const std::vector<KernelRow> &rows :
       {attentionRows(chip), matmulRows(chip), rowwiseRows(), sampleRows(sampleStages), splitSampleRows(),
        ropeRows("rows", elements), embeddingRows(elements, "row_major", tableAsIs),
        embeddingRows(elements, "tile64", tableAsTiles)})
    table.insert(table.end(), rows.begin(), rows.end());
  return table;
}

} // namespace quipu::gpu::conformance
