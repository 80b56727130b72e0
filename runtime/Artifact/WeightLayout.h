// How many bytes a weight takes in each layout, and where weights lie in the weights section.
#pragma once

#include "runtime/Artifact/Program_generated.h"
#include "runtime/Support/Error.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace quipu {

// Rows of a panel in the layouts `panel64` and `tile64`, gated or not.
constexpr uint64_t panelRows = 64;
// A tile of `tile64` holds this much of each row of a panel.
constexpr uint64_t tileRowBytes = 128;
constexpr uint64_t tileBytes = panelRows * tileRowBytes;

// Bytes of one element; 0 for the formats that are stored in blocks (StorageFormat.h).
uint64_t dtypeBytes(fb::DType dtype);
std::string_view dtypeName(fb::DType dtype);

// Bytes of a weight of this logical shape, and of the smallest part that is packed on its own.
struct WeightExtent {
  uint64_t bytes;
  uint64_t granule; // a panel, or a row (all of it for rank 1); bytes is a multiple of it
};

//   row_major       as in the checkpoint, any rank
//   panel64         [N, K] in panels of 64 rows: f32 [ceil(N/64)][K][64], 16-bit types [ceil(N/64)][ceil(K/2)][64][2],
//                   blocks [ceil(N/64)][K/block][the bytes of 64 blocks]
//   panel64_gated   [2N, K], gate rows first: the same panels, each of 32 gate rows and their 32 up rows
//                   both of [E, N, K] or [E, 2N, K] as well: the panels of E matrices, one after the other
//   tile64          [N, K] in panels of 64 rows of f32 or 16-bit types: [ceil(N/64)][ceil(K*size/128)][64][128 bytes];
//                   the order within a tile is the compiler's (compiler/Codegen/Gpu/WeightLayout.h)
//   tile64_gated    [2N, K], gate rows first: panels as those of panel64_gated
// An error for an unknown layout, a shape the layout does not take, rows that are no whole blocks, a zero dim, or a
// size over 2^48.
Expected<WeightExtent> weightExtent(fb::DType dtype, const std::vector<uint64_t> &shape, std::string_view layout);

// Sets bytes and offset of every weight, in order, each at a multiple of 64; returns the bytes of the section.
// Errors name the weight.
Expected<uint64_t> placeWeights(fb::ProgramT &program);

} // namespace quipu
