// Kernels of the toy model, written by hand against the kernel ABI; built as a shared object whose bytes are the code
// section of the toy artifact. ToyModel.h says what they compute.
#include "runtime/Device/Cpu/KernelAbi.h"
#include "test/runtime/Artifact/ToySampling.h"

using quipu::RowSampling;
using quipu::cpu::KernelArgs;
using quipu::cpu::StepDim;
using quipu::toy::sampleRow;
using quipu::toy::vocab;

namespace {

constexpr int64_t width = 4;     // values of an activation row
constexpr int64_t pageSize = 16; // positions

int64_t dim(const KernelArgs *args, StepDim which) { return args->dims[static_cast<int>(which)]; }
template <typename T> T *buffer(const KernelArgs *args, int operand) {
  return static_cast<T *>(args->buffers[operand]);
}

} // namespace

extern "C" {

#define EXPORT __attribute__((visibility("default")))

// ids, table -> x [T, 4]
EXPORT void toy_embedding(const KernelArgs *args) {
  for (int64_t t = args->worker; t < dim(args, StepDim::Tokens); t += args->workers)
    for (int64_t i = 0; i < width; ++i)
      buffer<float>(args, 2)[t * width + i] = buffer<float>(args, 1)[buffer<int32_t>(args, 0)[t] * width + i];
}

// x, slots -> cache
EXPORT void toy_append(const KernelArgs *args) {
  for (int64_t t = args->worker; t < dim(args, StepDim::Tokens); t += args->workers)
    for (int64_t i = 0; i < width; ++i)
      buffer<float>(args, 2)[buffer<int32_t>(args, 1)[t] * width * 2 + i] = buffer<float>(args, 0)[t * width + i];
}

// positions, seq_starts, context_lens, page_table, cache -> y [T, 4]: first stage. A token sees its own sequence's
// positions up to its own, each weighted by position + 1.
EXPORT void toy_attend(const KernelArgs *args) {
  const auto *positions = buffer<int32_t>(args, 0), *starts = buffer<int32_t>(args, 1);
  const auto *lengths = buffer<int32_t>(args, 2), *table = buffer<int32_t>(args, 3);
  for (int64_t s = 0; s < dim(args, StepDim::Sequences); ++s)
    for (int64_t t = starts[s] + args->worker; t < starts[s + 1]; t += args->workers)
      for (int64_t i = 0; i < width; ++i) {
        float sum = 0;
        for (int64_t p = 0; p <= positions[t] && p < lengths[s]; ++p) {
          int64_t page = table[s * dim(args, StepDim::PageStride) + p / pageSize];
          sum += static_cast<float>(p + 1) * buffer<float>(args, 4)[(page * pageSize + p % pageSize) * width * 2 + i];
        }
        static_cast<float *>(args->scratch)[i] = sum;
        buffer<float>(args, 5)[t * width + i] = static_cast<float *>(args->scratch)[i];
      }
}

// The second stage reads what other workers wrote in the first: it adds 1 to all of y. Three quarters of the values are
// shared out beforehand, the rest one by one to whoever is free, as the compiler's matmuls do.
EXPORT void toy_nudge(const KernelArgs *args) {
  auto *y = buffer<float>(args, 5);
  int64_t count = dim(args, StepDim::Tokens) * width, share = 3 * count / (4 * args->workers);
  for (int64_t i = args->worker * share; i < (args->worker + 1) * share; ++i)
    y[i] += 1;
  for (int64_t i; (i = args->workers * share + __atomic_fetch_add(args->taken, 1u, __ATOMIC_RELAXED)) < count;)
    y[i] += 1;
}

// y, rows, head [11, 4] -> logits [R, 11]
EXPORT void toy_logits(const KernelArgs *args) {
  for (int64_t r = args->worker; r < dim(args, StepDim::Rows); r += args->workers)
    for (int64_t v = 0; v < vocab; ++v) {
      const float *y = buffer<float>(args, 0) + buffer<int32_t>(args, 1)[r] * width;
      float sum = 0;
      for (int64_t i = 0; i < width; ++i)
        sum += y[i] * buffer<float>(args, 2)[v * width + i];
      buffer<float>(args, 3)[r * vocab + v] = sum;
    }
}

// logits, sampling, seen -> sampled
EXPORT void toy_sample(const KernelArgs *args) {
  for (int64_t r = args->worker; r < dim(args, StepDim::Rows); r += args->workers)
    buffer<int32_t>(args, 3)[r] =
        sampleRow(buffer<float>(args, 0) + r * vocab, buffer<RowSampling>(args, 1)[r], buffer<uint32_t>(args, 2)[r]);
}
}
