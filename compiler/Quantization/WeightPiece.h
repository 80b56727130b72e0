// A part of a weight: a checkpoint tensor and what is done to it on the way into the artifact. Weights are pieces
// joined along rows. The text form stands in the kernel dialect and in artifacts: "model.norm.weight plus 1".
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace quipu {

// In this order: transposed, some of its rows, each value times `scale`, plus `add`. A vector's rows are its elements.
struct WeightPiece {
  // Runs of `size` rows: row i is row first + i / size * stride + i % size of the tensor.
  struct Runs {
    int64_t first = 0, size = 0, stride = 0, count = 0;

    int64_t rows() const { return size * count; }
    int64_t source(int64_t row) const { return first + row / size * stride + row % size; }
    // One past the last row of the tensor that is read.
    int64_t end() const { return source(rows() - 1) + 1; }
  };

  std::string tensor;
  bool transposed = false;
  Runs runs; // size 0: all rows
  double scale = 1, add = 0;

  // Of a stack of experts' matrices, the one of `rows` rows of one expert: a tensor by itself where the name has * in
  // the place of its number, otherwise rows of the tensor, which holds all of them.
  WeightPiece ofExpert(int64_t expert, int64_t rows) const;

  bool takesAllRows() const { return runs.size == 0; }
  bool computes() const { return scale != 1 || add != 0; }

  // "NAME [transposed] [rows FIRST:SIZE:STRIDE:COUNT] [times SCALE] [plus ADD]"; numbers read back exactly. Errors name
  // the text.
  static Expected<WeightPiece> parse(std::string_view text);
  std::string print() const;
};

} // namespace quipu
