// Rows that hold on every device. Layouts that differ are parameters.
#pragma once

#include "compiler/Codegen/AttentionShape.h"
#include "test/Conformance/KernelRow.h"

namespace quipu::conformance {

// pointwise, rms_norm, select_rows, slice_columns.
std::vector<KernelRow> rowwiseRows();

// Those that no GPU has kernels for yet: norms of groups, of other gains and with a residual, layer_norm, relu2,
// sigmoid, scale, softcap, position_scale.
std::vector<KernelRow> familyRowwiseRows();

// route.
std::vector<KernelRow> routeRows();

// sample, by the specs of its stages. Sizes are indices of batches: all but the last have at most 8 rows.
using SampleStages = std::function<std::vector<KernelSpec>(int64_t n)>;
std::vector<KernelRow> sampleRows(const SampleStages &stages);

// rope, kv_append and rope_append over ragged batches with pages in disorder, the cache in a layout of
// runtime/Artifact/KvLayout.h.
std::vector<KernelRow> ropeRows(const std::string &layout, const std::vector<ElementType> &elements);

// The same of rope and rope_append: rotation of a part of a head, norms of heads, queries scaled by position.
std::vector<KernelRow> familyRopeRows(const std::string &layout, const std::vector<ElementType> &elements);

struct AttentionCase {
  int64_t heads, kvHeads, dim, window; // no window: 0
  ElementType element;                 // of the cache
  double softcap = 0;                  // none: 0
};
// The most tokens, and the largest index, among the ragged batches that attention rows take by index.
constexpr int64_t attentionBatches = 7;
// The indices of three more, of long contexts: too much for a GPU that is run thread by thread.
constexpr int64_t longContexts = 7;
constexpr int64_t longAmongMany = 8;
constexpr int64_t longAlone = 9;
int64_t mostTokensOfAttention();
// One row, with `partials` of so many f32; the caller sets its stages and may lower its sizes.
KernelRow attentionRow(const AttentionCase &shape, const std::string &layout, double tolerance, int64_t partials = 0);
// As generators are asked for it.
AttentionShape kernelShape(const AttentionCase &shape);

// embedding of a table in one layout, which `lay` puts a [rows, dim] table into.
using TableLayout = std::function<Operand(const std::vector<float> &table, int64_t rows, int64_t dim, ElementType)>;
std::vector<KernelRow> embeddingRows(const std::vector<ElementType> &elements, const std::string &layout,
                                     const TableLayout &lay);

} // namespace quipu::conformance
