#include "compiler/Codegen/Cpu/Kernels/Matmul/Microkernel.h"

#include "compiler/Codegen/Cpu/Kernels/Matmul/BlockMicrokernel.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/FloatMicrokernel.h"

namespace quipu::cpu {

std::unique_ptr<Microkernel> Microkernel::create(KernelBuilder &b, const PanelLayout &weight, const PackedInput &input,
                                                 int64_t tile, Prefetch prefetch) {
  if (input.blocks)
    return std::make_unique<BlockMicrokernel>(b, *input.blocks, input, tile, prefetch);
  return std::make_unique<FloatMicrokernel>(b, weight, input, tile, prefetch);
}

void Microkernel::prefetchLine(Value address) const {
  b.prefetch(address, prefetch.level);
  if (prefetch.fartherToL2)
    b.prefetch(b.offset(address, prefetch.fartherToL2), 2);
}

void Microkernel::emit(Value weights, Value inputs, int64_t groups, Value sums, bool accumulate) const {
  b.outline({weights, inputs, sums}, [&](llvm::ArrayRef<Value> parameters) {
    emitBody(parameters[0], parameters[1], groups, parameters[2], accumulate);
  });
}

} // namespace quipu::cpu
