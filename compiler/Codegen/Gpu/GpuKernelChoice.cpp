#include "compiler/Codegen/Gpu/GpuKernelChoice.h"

#include "compiler/Codegen/Gpu/PackedTile.h"
#include "compiler/Codegen/Gpu/WeightLayout.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>
#include <fmt/format.h>

namespace quipu::gpu {

namespace {

KernelSpec fewTokens(const MatmulShape &shape, int64_t tile) {
  KernelParams params = shape.productParams();
  if (shape.norm)
    shape.norm->addTo(params);
  params["tile"] = tile;
  return {fmt::format("{}{}_t{}", shape.norm ? shape.norm->symbolPrefix() : "", shape.symbolStem(), tile), "matmul",
          params};
}

KernelSpec packInput(const MatmulShape &shape) {
  KernelParams params = {
      {"k", shape.k}, {"storage", shape.storage}, {"rows_dim", static_cast<int64_t>(shape.rows)}, {"tile", tileRows}};
  if (shape.norm)
    shape.norm->addTo(params);
  return {fmt::format("{}pack_input{}_{}_k{}", shape.norm ? shape.norm->symbolPrefix() : "", rowsSuffix(shape.rows),
                      shape.storage, shape.k),
          "pack_input", params};
}

// tokens: the most there are.
KernelSpec packed(const MatmulShape &shape, const PackedTile &tile, int64_t tokens) {
  KernelParams params = shape.productParams();
  params["tile"] = tile.tokens;
  params["packed_input"] = true;
  std::string symbol = fmt::format("{}_packed_t{}", shape.symbolStem(), tile.tokens);
  if (tile.columns) {
    params["columns"] = tile.columns;
    symbol += fmt::format("x{}", tile.columns);
  }
  if (tile.splits > 1) {
    params["splits"] = tile.splits;
    params["tokens"] = tokens;
    symbol += fmt::format("_s{}", tile.splits);
  }
  return {symbol, "matmul", params};
}

// The kernels for more than a few tokens. A tile is chosen for the most tokens of a variant. 2048 stand for any number,
// but blocks share tiles of results only where that is bounded: so is the scratch through which they do.
void addPacked(std::vector<VariantChoice> &variants, const MatmulShape &shape, const Chip &chip) {
  bool f32 = shape.storage == "f32";
  TileLayout weight{shape.n, shape.k, f32 ? 4 : 2, shape.gated};
  PackedTile last;
  for (auto [most, tokens] :
       {std::pair<uint32_t, int64_t>(64, 64), {256, 256}, {2048, 2048}, {VariantChoice::any, 2048}}) {
    PackedTile tile = choosePackedTile(weight, f32 ? "float" : shape.storage, tokens, chip);
    if (most == VariantChoice::any)
      tile.splits = 1;
    if (tile == last)
      variants.pop_back();
    variants.push_back({most, {packInput(shape), packed(shape, tile, tokens)}});
    last = tile;
  }
}

} // namespace

// Up to eight tokens a matmul is bound by reading the weight, and blocks stage the input for themselves. Above, the
// input is packed once.
MatmulKernels GpuKernelChoice::matmul(const MatmulShape &shape) const {
  MatmulKernels kernels;
  for (int64_t tile : {1, 4, 8})
    kernels.variants.push_back({static_cast<uint32_t>(tile), {fewTokens(shape, tile)}});
  TileLayout input{0, shape.k, shape.storage == "f32" ? 4 : 2};
  kernels.packed = {tileRows, input.tiles() * input.tileColumns(), shape.storage};
  addPacked(kernels.variants, shape, chip);
  return kernels;
}

// Few tokens leave most of the chip idle unless the cached positions are divided among blocks as well; enough of them
// for two blocks on each unit at the variant's fewest tokens. More would only leave more to merge.
std::vector<VariantChoice> GpuKernelChoice::attention(const AttentionShape &shape) const {
  std::vector<VariantChoice> variants;
  for (auto [fewest, most] : {std::pair<int64_t, int64_t>(1, 2), {3, 8}, {9, 16}}) {
    KernelParams params = shape.params();
    int64_t splits = std::clamp<int64_t>(2 * chip.computeUnits / (shape.kvHeads * fewest), 1, 64);
    params["splits"] = splits;
    params["tokens"] = most;
    std::string stem = fmt::format("{}_t{}", shape.symbolStem(), most);
    variants.push_back({static_cast<uint32_t>(most),
                        {{stem + "_split", "attention_split", params}, {stem + "_merge", "attention_merge", params}}});
  }
  for (VariantChoice &variant : KernelChoice::attention(shape))
    variants.push_back(std::move(variant));
  return variants;
}

// A vocabulary is read faster by several blocks than by one: they find the largest of each part of a row, then one
// block a row does the rest.
std::vector<VariantChoice> GpuKernelChoice::sample(const SampleShape &shape) const {
  // 32 blocks would leave most of a chip idle, each some 25 us, by its instructions, to draw from all of a vocabulary.
  constexpr int64_t columnsPerSplit = 4096, mostSplitRows = 32;
  std::vector<VariantChoice> variants = KernelChoice::sample(shape);
  if (shape.n <= columnsPerSplit)
    return variants;
  KernelParams params = shape.params();
  params["splits"] = std::min<int64_t>(divideUp(shape.n, columnsPerSplit), 64);
  params["rows"] = mostSplitRows;
  variants.insert(variants.begin(), {static_cast<uint32_t>(mostSplitRows),
                                     {{shape.symbolStem() + "_split", "sample_split", params},
                                      {shape.symbolStem() + "_merge", "sample_merge", params}}});
  return variants;
}

} // namespace quipu::gpu
