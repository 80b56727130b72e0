// The innermost block of matmul: a tile of input rows times one panel of weights over a range of k, accumulated in
// registers.
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Codegen/Cpu/MatmulSchedule.h"

#include <memory>

namespace quipu::cpu {

class Microkernel {
public:
  static std::unique_ptr<Microkernel> create(KernelBuilder &b, const PanelLayout &weight, const PackedInput &input,
                                             int64_t tile, Prefetch prefetch);
  virtual ~Microkernel() = default;

  // `groups` groups of a panel and of a packed tile, from the ones the addresses point at on. sums is f32 [tile][64]:
  // overwritten, or added to when `accumulate`. Every call is built as a function of its own.
  void emit(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate) const;

  const int64_t weightGroupBytes, inputGroupBytes; // from one group to the next

protected:
  Microkernel(KernelBuilder &b, int64_t weightGroupBytes, int64_t inputGroupBytes, Prefetch prefetch)
      : weightGroupBytes(weightGroupBytes), inputGroupBytes(inputGroupBytes), b(b), prefetch(prefetch) {}
  virtual void emitBody(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate) const = 0;

  // The cache line of weights at this address, which is prefetch.bytes ahead.
  void prefetchLine(Value address) const;

  KernelBuilder &b;
  const Prefetch prefetch;
};

} // namespace quipu::cpu
