#include "compiler/Codegen/Cpu/MatmulSchedule.h"

#include "runtime/Support/Rounding.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace quipu::cpu {
namespace {

KernelSpec packInput(const MatmulShape &shape, int64_t tile, int64_t parts) {
  KernelParams params = {
      {"k", shape.k}, {"storage", shape.storage}, {"rows_dim", static_cast<int64_t>(shape.rows)}, {"tile", tile}};
  if (parts != 1)
    params["parts"] = parts;
  if (shape.norm)
    shape.norm->addTo(params);
  return {fmt::format("{}pack_input{}_{}_k{}_t{}{}", shape.norm ? shape.norm->symbolPrefix() : "",
                      rowsSuffix(shape.rows), shape.storage, shape.k, tile,
                      parts == 1 ? "" : fmt::format("_parts{}", parts)),
          "pack_input", params};
}

template <typename T> T paramOr(const KernelParams &params, const char *name, const T &fallback) {
  auto found = params.find(name);
  const T *value = found == params.end() ? nullptr : std::get_if<T>(&found->second);
  return value ? *value : fallback;
}

// What the stages compute: the norm is a parameter of the first.
MatmulShape shapeOf(const KernelStages &stages) {
  const KernelParams &product = stages.back().params, &first = stages.front().params;
  MatmulShape shape;
  shape.n = paramOr<int64_t>(product, "n", 0);
  shape.k = paramOr<int64_t>(product, "k", 0);
  shape.storage = paramOr<std::string>(product, "storage", "");
  shape.activation = paramOr<std::string>(product, "activation", "");
  shape.gated = paramOr(product, "gated", false);
  shape.bias = paramOr(product, "bias", false);
  shape.residual = paramOr(product, "residual", false);
  shape.rows = static_cast<RowsDim>(paramOr<int64_t>(product, "rows_dim", 0));
  if (auto eps = first.find("norm_eps"); eps != first.end())
    shape.norm =
        NormShape{std::get<double>(eps->second), paramOr(first, "centred", false), paramOr(first, "shift", false)};
  for (auto [name, value] : {std::pair("scale", &shape.scale), std::pair("softcap", &shape.softcap)})
    if (auto found = product.find(name); found != product.end())
      *value = std::get<double>(found->second);
  return shape;
}

KernelStages with(KernelStages stages, Prefetch prefetch) {
  KernelSpec &product = stages.back();
  product.params["prefetch_bytes"] = prefetch.bytes;
  product.params["prefetch_level"] = static_cast<int64_t>(prefetch.level);
  product.symbol += fmt::format("_ahead{}_l{}", prefetch.bytes, prefetch.level);
  return stages;
}

KernelStages withKBlocks(KernelStages stages, int64_t blocks) {
  stages.back().params["k_blocks"] = blocks;
  stages.back().symbol += fmt::format("_kb{}", blocks);
  return stages;
}

// Measured on Zen 4 with --tune on the shapes of Llama-3.2-1B. A kernel that waits for memory wants its weights in L2 a
// few lines before it reads them; one that computes wants them in L1, long before. One or two rows wait in every
// format. Of three to six rows those wait whose weights are multiplied as they lie (four rows: 5 % less time so for
// bf16), not those that are unpacked first (4 bits: 5 to 25 % more). Four rows of q8_0, half of the panel's columns at
// a time, take 3 to 10 % less at 4 KiB into L1, two of q6_k 6 to 11 % less at 2 KiB into L2 than at 4. Two rows of 4
// bits take up to 19 % less at half the distance. Kernels that compute ask twice, 16 KiB ahead into L2 and 2 KiB ahead
// into L1: eight rows take 7 % less time for q8_0 than with 4 KiB ahead into L1 alone, 19 % for bf16, which takes
// several passes over a block of k and asks for its part of the next. A packed input does not care: its weights come
// from L2.
Prefetch prefetchFor(const PanelLayout &weight, int64_t tile, const Chip &chip) {
  std::optional<BlockLayout> blocks = BlockLayout::of(weight.format);
  bool asTheyLie =
      blocks ? blocks->valueBits == 8 && chip.hasVnni : weight.format.dtype == fb::DType::bf16 && chip.hasBf16Dot;
  // More rows of blocks take a quarter of the panel's columns at a time, so the first pass alone reads far ahead.
  int64_t waiting = blocks && chip.hasVnni ? 4 : 6;
  if (tile <= 2)
    return {blocks && blocks->valueBits == 4 ? 1024 : 2048, 2};
  if (blocks && blocks->valueBits == 6 && tile <= waiting)
    return {4096, 2};
  if (asTheyLie && tile <= waiting)
    return blocks ? Prefetch{4096, 1} : Prefetch{1024, 2};
  return {2048, 1, 14336};
}

// Where weights come from L2 mostly (a packed input), or where the microkernel takes a panel in several passes and asks
// for its part of the next block of k, the distance changes little or nothing.
std::vector<Prefetch> prefetches(const PanelLayout &weight, bool packed, int64_t tile, const Chip &chip) {
  if (packed || (!weight.format.isBlocked() && vectorsOfPass(tile, /*blocks=*/false, chip) * chip.lanes < panelRows))
    return {{2048, 2}, {4096, 1}};
  return {{1024, 2}, {2048, 1}, {2048, 2}, {4096, 1}, {4096, 2}, {8192, 1}};
}

} // namespace

MatmulSchedule::MatmulSchedule(const PanelLayout &weight, int64_t tile, bool packedInput, const Chip &chip)
    : prefetch(packedInput ? Prefetch{4096, 1} : prefetchFor(weight, tile, chip)) {
  // Half of L2 is for the block of weights that stays; a sixth is for sums, the rest for the input that passes through.
  int64_t mostGroups = std::max<int64_t>(1, chip.l2Bytes / 2 / weight.groupBytes());
  kBlocks = divideUp(weight.groups(), mostGroups);
}

int64_t vectorsOfPass(int64_t tile, bool blocks, const Chip &chip) {
  int64_t vectors = panelRows / chip.lanes,
          accumulators = blocks ? (chip.hasVnni ? 8 : 12) : chip.vectorRegisters * 3 / 4;
  while (vectors > 1 && vectors * tile > accumulators)
    vectors /= 2;
  return vectors;
}

KernelStages tiledMatmul(const MatmulShape &shape, int64_t tile, int64_t parts) {
  KernelParams params = shape.productParams();
  if (parts != 1)
    params["parts"] = parts;
  if (shape.norm)
    shape.norm->addTo(params);
  params["tile"] = tile;
  return {{fmt::format("{}{}_t{}", shape.norm ? shape.norm->symbolPrefix() : "", shape.symbolStem(), tile), "matmul",
           params}};
}

KernelStages packedMatmul(const MatmulShape &shape, int64_t tile, int64_t parts) {
  KernelParams params = shape.productParams();
  if (parts != 1)
    params["parts"] = parts;
  params["tile"] = tile;
  params["packed_input"] = true;
  return {packInput(shape, tile, parts), {fmt::format("{}_packed_t{}", shape.symbolStem(), tile), "matmul", params}};
}

std::vector<KernelStages> matmulAlternatives(const KernelStages &stages, int64_t rows, const Chip &chip) {
  MatmulShape shape = shapeOf(stages);
  const StorageFormat *format = findStorageFormat(shape.storage);
  int64_t parts = paramOr<int64_t>(stages.back().params, "parts", 1);
  int64_t tile = paramOr<int64_t>(stages.back().params, "tile", 0) * parts; // of the microkernel
  if (stages.back().generator != "matmul" || !format || tile < 1 || shape.n < 1 || shape.k < 1)
    return {};
  PanelLayout weight(shape.n, shape.k, *format, shape.gated);
  bool packed = stages.size() > 1;
  MatmulSchedule model(weight, tile, packed, chip);
  std::vector<KernelStages> all;
  // Other tiles of a packed input; for a few rows only where a private tile takes several passes over the panel.
  if (packed || vectorsOfPass(tile, weight.format.isBlocked(), chip) * chip.lanes < panelRows)
    for (int64_t other : {4, 6, 8})
      if (other <= packedTile(*format, chip) && other % parts == 0 && other / parts < rows &&
          !(packed && other == tile))
        all.push_back(packedMatmul(shape, other / parts, parts));
  // Blocks of k that leave more of L2 to the input, or less.
  std::set<int64_t> blocks = {model.kBlocks - 1, model.kBlocks + 1, model.kBlocks * 2};
  if (packed && weight.panelBytes() * 4 > chip.l2Bytes)
    for (int64_t count : blocks)
      if (count >= 1 && count <= weight.groups())
        all.push_back(withKBlocks(stages, count));
  for (Prefetch prefetch : prefetches(weight, packed, tile, chip))
    if (!(prefetch == model.prefetch))
      all.push_back(with(stages, prefetch));
  return all;
}

} // namespace quipu::cpu
