// Values of the oracle: activations in float64, row-major, two axes; ids, positions and row numbers as integers.
#pragma once

#include <cassert>
#include <cstdint>
#include <vector>

namespace quipu::reference {

// [rows, cols] in float64.
struct Tensor {
  int64_t rows = 0;
  int64_t cols = 0;
  std::vector<double> data;

  Tensor() = default;
  Tensor(int64_t rows, int64_t cols) : rows(rows), cols(cols), data(rows * cols, 0.0) {}

  double *row(int64_t i) {
    assert(i >= 0 && i < rows);
    return data.data() + i * cols;
  }
  const double *row(int64_t i) const { return const_cast<Tensor *>(this)->row(i); }
};

using IntTensor = std::vector<int32_t>;

// A weight of [rows, cols], read row by row so that no float64 copy of a large matrix is ever held.
// The values are the stored ones: the checkpoint's, rounded to the storage type.
class Weight {
public:
  virtual ~Weight() = default;
  virtual int64_t rows() const = 0;
  virtual int64_t cols() const = 0;
  // Writes cols() values of row i.
  virtual void readRow(int64_t i, double *out) const = 0;
};

// The keys and values of one layer's cache: per sequence one row of [kv_heads * dim] a position. What slot or page a
// position has is the business of a layout and changes no number, so the oracle keeps none.
struct Cache {
  std::vector<Tensor> keys; // one per sequence, rows grow
  std::vector<Tensor> values;
};

// One step's ragged batch: tokens seqStarts[s] .. seqStarts[s+1]-1 belong to sequence sequences[s] of the cache.
struct Batch {
  IntTensor seqStarts; // S + 1 entries
  IntTensor sequences; // S entries: index into Cache::keys
  IntTensor positions; // T entries: position of each token in its sequence
};

} // namespace quipu::reference
