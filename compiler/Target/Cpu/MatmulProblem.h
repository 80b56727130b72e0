// Operands of a matmul launch of random numbers, to measure its kernels on.
#pragma once

#include "compiler/Codegen/Cpu/WeightLayout.h"
#include "compiler/Codegen/KernelChoice.h"
#include "runtime/Device/HugeBlock.h"
#include "runtime/Device/RandomWeights.h"

#include <vector>

namespace quipu::cpu {

// Memory that one problem after the other lies in. Weights of the same format find it filled already.
class ProblemMemory {
public:
  // At least that many bytes, the first `weightBytes` of them numbers of the format. Errors: there is not that much
  // memory to be had.
  Expected<std::byte *> prepare(uint64_t weightBytes, const StorageFormat &format, uint64_t bytes);
  void fill(fb::DType dtype, std::byte *to, uint64_t bytes);

private:
  HugeBlock block;
  RandomWeights random;
  fb::DType filledWith = fb::DType::f32;
  uint64_t filledBytes = 0;
};

class MatmulProblem {
public:
  using Operands = std::vector<void *>;

  // The weight lies there as often as `coldBytes` takes, so that whoever goes round finds none of it in a cache of a
  // quarter of that. Errors: stages that are no matmul, no memory.
  static Expected<MatmulProblem> create(const KernelStages &stages, int64_t rows, const Chip &chip, uint64_t coldBytes,
                                        ProblemMemory &memory);

  // In the order of the generator's operands, with the copy of the weight whose turn it is.
  Operands operandsOfTurn(uint64_t turn) const;

private:
  Operands operands;
  size_t weight = 0; // which of them
  uint64_t weightBytes = 0, copies = 1;
};

} // namespace quipu::cpu
