// Kernels of the toy model for the fake device: each computes the blocks of its grid one after the other, and blocks
// without work do nothing, as on a GPU. Arguments are the launch's operands, the dims, the scratch memory and the mark.
#include "test/runtime/Artifact/ToySampling.h"
#include "test/runtime/Device/Fake/FakeGpu.h"

using quipu::RowSampling;
using quipu::fake::Launch;
using quipu::toy::sampleRow;
using quipu::toy::vocab;

namespace {

constexpr long width = 4;
constexpr long pageSize = 16;

template <typename T> T *buffer(const uint64_t *arguments, int operand) {
  return reinterpret_cast<T *>(arguments[operand]);
}

// What a kernel does first; true: it goes on. One that waits itself has begun before.
bool begins(uint64_t mark, const Launch *launch, bool waitsItself) {
  auto *word = reinterpret_cast<unsigned *>(mark);
  if (word && waitsItself)
    *word = 1;
  if (word && launch->reach != Launch::Wait)
    *word = 2;
  return launch->reach == Launch::End;
}

enum { inTurn, waitsItself };

} // namespace

#define TOY_KERNEL(name, operands, waits)                                                                              \
  static void name##_body(const uint64_t *arguments, const Launch *launch);                                            \
  __attribute__((visibility("default"))) extern const int name##_arguments = operands + 3;                             \
  __attribute__((visibility("default"))) void name(const uint64_t *arguments, const Launch *launch) {                  \
    if (begins(arguments[operands + 2], launch, waits))                                                                \
      name##_body(arguments, launch);                                                                                  \
  }                                                                                                                    \
  static void name##_body(const uint64_t *arguments, const Launch *launch)

extern "C" {

// ids, table -> x [T, 4]; a block for each token
TOY_KERNEL(toy_embedding, 3, inTurn) {
  const int *dims = buffer<int>(arguments, 3);
  for (unsigned t = 0; t < launch->grid[0]; ++t)
    for (long i = 0; i < width && static_cast<int>(t) < dims[0]; ++i)
      buffer<float>(arguments, 2)[t * width + i] =
          buffer<float>(arguments, 1)[buffer<int>(arguments, 0)[t] * width + i];
}

// x, slots -> cache; a block for four tokens
TOY_KERNEL(toy_append, 3, inTurn) {
  const int *dims = buffer<int>(arguments, 3);
  for (unsigned t = 0; t < 4 * launch->grid[0] && static_cast<int>(t) < dims[0]; ++t)
    for (long i = 0; i < width; ++i)
      buffer<float>(arguments, 2)[buffer<int>(arguments, 1)[t] * width * 2 + i] =
          buffer<float>(arguments, 0)[t * width + i];
}

// positions, seq_starts, context_lens, page_table, cache -> scratch; blocks along x for tokens, along y for columns
TOY_KERNEL(toy_attend, 7, inTurn) {
  const int *dims = buffer<int>(arguments, 7);
  const auto *positions = buffer<int>(arguments, 0), *starts = buffer<int>(arguments, 1);
  const auto *lengths = buffer<int>(arguments, 2), *table = buffer<int>(arguments, 3);
  for (int s = 0; s < dims[1]; ++s)
    for (int t = starts[s]; t < starts[s + 1] && t < static_cast<int>(launch->grid[0]); ++t)
      for (unsigned i = 0; i < launch->grid[1]; ++i) {
        float sum = 0;
        for (int p = 0; p <= positions[t] && p < lengths[s]; ++p) {
          long page = table[s * dims[3] + p / pageSize];
          sum +=
              static_cast<float>(p + 1) * buffer<float>(arguments, 4)[(page * pageSize + p % pageSize) * width * 2 + i];
        }
        buffer<float>(arguments, 8)[t * width + i] = sum;
      }
}

// The second stage takes the sums from scratch and adds 1.
TOY_KERNEL(toy_nudge, 7, inTurn) {
  const int *dims = buffer<int>(arguments, 7);
  for (int t = 0; t < dims[0] && t < static_cast<int>(launch->grid[0] * launch->threads); ++t)
    for (long i = 0; i < width; ++i)
      buffer<float>(arguments, 5)[t * width + i] = buffer<float>(arguments, 8)[t * width + i] + 1;
}

// y, rows, head [11, 4] -> logits [R, 11]; clusters of two blocks, a block for each row
TOY_KERNEL(toy_logits, 4, waitsItself) {
  const int *dims = buffer<int>(arguments, 4);
  for (unsigned r = 0; r < launch->grid[0] && static_cast<int>(r) < dims[2]; ++r)
    for (long v = 0; v < vocab; ++v) {
      const float *y = buffer<float>(arguments, 0) + buffer<int>(arguments, 1)[r] * width;
      float sum = 0;
      for (long i = 0; i < width; ++i)
        sum += y[i] * buffer<float>(arguments, 2)[v * width + i];
      buffer<float>(arguments, 3)[r * vocab + v] = sum;
    }
}

// logits, sampling, seen -> sampled
TOY_KERNEL(toy_sample, 4, inTurn) {
  const int *dims = buffer<int>(arguments, 4);
  for (unsigned r = 0; r < launch->grid[0] && static_cast<int>(r) < dims[2]; ++r)
    buffer<int32_t>(arguments, 3)[r] =
        sampleRow(buffer<float>(arguments, 0) + r * vocab, buffer<RowSampling>(arguments, 1)[r],
                  buffer<uint32_t>(arguments, 2)[r]);
}
}
