// The input rows of a matmul for few tokens, staged in shared memory by the whole block, norm included.
#pragma once
#include "compiler/Codegen/Gpu/device/matmul_fragments.h"
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
template <class Shape> struct StagedInput {
  typedef typename Shape::Product Product;
  enum { threads = Shape::waves * waveWidth, sliceColumns = Shape::sliceTiles * Shape::tileColumns };
  enum { scaleFirst = Shape::normed && Shape::scaleFirst };

  const float *x, *gain;
  int rows;
  float eps, *squares; // squares: [tokens][waves], in shared memory
  float own[Shape::tokens];

  QUIPU_DEVICE_MEMBER StagedInput(const float *x, const float *gain, int rows, float eps, float *squares)
      : x(x), gain(gain), rows(rows), eps(eps), squares(squares) {
#pragma unroll
    for (int token = 0; token < Shape::tokens; ++token)
      own[token] = 0;
    if (!scaleFirst)
      return;
#pragma unroll
    for (int token = 0; token < Shape::tokens; ++token)
      if (token < rows)
        for (int column = threadIndex() * 4; column < Shape::k; column += threads * 4) {
          float values[4];
          loadFour<Shape::k>(values, x + i64(token) * Shape::k, column);
          square(token, values);
        }
    putSquares();
    blockBarrier();
  }

  QUIPU_DEVICE_MEMBER void stage(u8 *input, int slice) {
    int first = slice * sliceColumns;
    bool last = first + sliceColumns >= Shape::k;
    // To the end of the last tile, whose padding in W is multiplied as well.
    int end =
        last ? (Shape::k - first + Shape::tileColumns - 1) / Shape::tileColumns * Shape::tileColumns : sliceColumns;
#pragma unroll
    for (int token = 0; token < Shape::tokens; ++token) {
      if (token >= rows)
        break;
      float factor = scaleFirst ? scaleOf(token) : 1;
      for (int column = threadIndex() * 4; column < end; column += threads * 4) {
        float values[4], gains[4];
        loadFour<Shape::k>(values, x + i64(token) * Shape::k, first + column);
        if (Shape::normed) {
          if (!scaleFirst)
            square(token, values);
          loadFour<Shape::k>(gains, gain, first + column);
#pragma unroll
          for (int i = 0; i < 4; ++i)
            values[i] *= scaleFirst ? factor * gains[i] : gains[i];
        }
        Product::stage(input, token, column, values);
      }
    }
    if (Shape::normed && !scaleFirst && last)
      putSquares();
  }

  // What a token's sums are to be multiplied with; after a barrier that follows the last stage.
  QUIPU_DEVICE_MEMBER float scale(int token) const { return Shape::normed && !scaleFirst ? scaleOf(token) : 1; }

  QUIPU_DEVICE_MEMBER void square(int token, const float (&values)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      own[token] += values[i] * values[i];
  }

  QUIPU_DEVICE_MEMBER void putSquares() {
#pragma unroll
    for (int token = 0; token < Shape::tokens; ++token) {
      float sum = waveSum(own[token]);
      if (laneIndex() == 0)
        squares[token * Shape::waves + waveIndex()] = sum;
    }
  }

  QUIPU_DEVICE_MEMBER float scaleOf(int token) const {
    float sum = 0;
#pragma unroll
    for (int wave = 0; wave < Shape::waves; ++wave)
      sum += squares[token * Shape::waves + wave];
    return fastRsqrt(sum / Shape::k + eps);
  }
};
