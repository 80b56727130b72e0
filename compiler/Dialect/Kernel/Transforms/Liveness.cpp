#include "compiler/Dialect/Kernel/Transforms/Liveness.h"

#include "runtime/Support/Rounding.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace quipu::kernel {

std::vector<LiveActivation> findLiveActivations(ProgramOp program) {
  llvm::DenseMap<Operation *, std::pair<int64_t, int64_t>> ranges;
  for (auto [index, launch] : llvm::enumerate(program.getOps<LaunchOp>())) {
    int64_t position = index;
    for (Value operand : launch->getOperands())
      ranges.try_emplace(operand.getDefiningOp(), position, position).first->second.second = position;
  }
  std::vector<LiveActivation> live;
  for (auto buffer : program.getOps<BufferOp>()) {
    auto range = ranges.find(buffer);
    if (buffer.getRole() == Role::Activation && range != ranges.end())
      live.push_back({buffer, roundUp<uint64_t>(buffer.getMaxBytes(), 64), range->second.first, range->second.second});
  }
  return live;
}

} // namespace quipu::kernel
