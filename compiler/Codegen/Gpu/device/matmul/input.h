// The input rows of a matmul for few tokens, staged in shared memory by the whole block, norm included.
#pragma once
#include "compiler/Codegen/Gpu/device/matmul/fragments.h"
#include "compiler/Codegen/Gpu/device/reduce.h"

struct alignas(8) WordPair {
  u32 word[2];
};

// Four values of a row of k from `column` on, zeros past its end.
template <int k> QUIPU_DEVICE void loadFour(float (&values)[4], const float *row, int column) {
  if (k % 4 == 0) {
    Chunk chunk = column < k ? loadChunk(row + column) : zeroChunk();
    ChunkOf<float>::widen(chunk, values);
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
    values[i] = column + i < k ? row[column + i] : 0;
}

// The scale of a row's norm does not depend on k, so it is taken out of the product: x * gain is staged at once and the
// sum of squares, gathered on the way, is needed only at the end. Not so for f16, where x * gain may be out of range:
// there the squares are summed first.
//
// The loops are not unrolled much: the weights under way have the registers.
template <class Shape> struct StagedInput {
  typedef typename Shape::Product Product;
  enum {
    threads = Shape::waves * waveWidth,
    sliceColumns = Shape::sliceTiles * Shape::tileColumns,
    scaleFirst = Shape::normed && Shape::scaleFirst,
  };

  const float *x, *gain;
  int rows;
  float eps, *squares; // squares: [tokens][waves], in shared memory

  QUIPU_DEVICE_MEMBER StagedInput(const float *x, const float *gain, int rows, float eps, float *squares)
      : x(x), gain(gain), rows(rows), eps(eps), squares(squares) {
    if (!scaleFirst)
      return;
#pragma unroll 1
    for (int token = 0; token < rows; ++token) {
      float sum = 0;
#pragma unroll 2
      for (int column = threadIndex() * 4; column < Shape::k; column += threads * 4) {
        float values[4];
        loadFour<Shape::k>(values, x + i64(token) * Shape::k, column);
        sum += squareOf(values);
      }
      addSquares(token, sum, true);
    }
    blockBarrier();
  }

  QUIPU_DEVICE_MEMBER void stage(u8 *input, int slice) {
    int first = slice * sliceColumns;
    // To the end of the last tile, whose padding in W is multiplied as well.
    int end = (Shape::k + Shape::tileColumns - 1) / Shape::tileColumns * Shape::tileColumns - first;
    end = smaller(end, sliceColumns);
#pragma unroll 1
    for (int token = 0; token < rows; ++token) {
      const float *row = x + i64(token) * Shape::k;
      float factor = scaleFirst ? scaleOf(token) : 1, sum = 0;
#pragma unroll Shape::normed ? 1 : 2
      for (int column = threadIndex() * 4; column < end; column += threads * 4) {
        float values[4], gains[4];
        loadFour<Shape::k>(values, row, first + column);
        if (Shape::normed) {
          loadFour<Shape::k>(gains, gain, first + column);
          sum += squareOf(values);
#pragma unroll
          for (int i = 0; i < 4; ++i)
            values[i] *= scaleFirst ? factor * gains[i] : gains[i];
        }
        Product::stage(input, token, column, values);
      }
      if (Shape::normed && !scaleFirst)
        addSquares(token, sum, slice == 0);
    }
  }

  // What a token's sums are to be multiplied with; after a barrier that follows the last stage.
  QUIPU_DEVICE_MEMBER float scale(int token) const { return Shape::normed && !scaleFirst ? scaleOf(token) : 1; }

  static QUIPU_DEVICE_MEMBER float squareOf(const float (&values)[4]) {
    return values[0] * values[0] + values[1] * values[1] + (values[2] * values[2] + values[3] * values[3]);
  }

  QUIPU_DEVICE_MEMBER void addSquares(int token, float sum, bool first) {
    sum = waveSum(sum);
    float *own = squares + token * Shape::waves + waveIndex();
    if (laneIndex() == 0)
      *own = first ? sum : *own + sum;
  }

  QUIPU_DEVICE_MEMBER float scaleOf(int token) const {
    float sum = 0;
#pragma unroll
    for (int wave = 0; wave < Shape::waves; ++wave)
      sum += squares[token * Shape::waves + wave];
    return fastRsqrt(sum / Shape::k + eps);
  }
};
