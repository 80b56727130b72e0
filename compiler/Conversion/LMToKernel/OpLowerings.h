// How each op of the cached form becomes launches. A file of Ops/ holds the ops of one kernel group and adds their
// lowerings here; CMake collects the files, so a new one is all that a new group takes.
#pragma once

#include "compiler/Conversion/LMToKernel/StepLowering.h"

#include <functional>

namespace quipu {

class OpLowerings {
public:
  // Errors are diagnostics at the op.
  using Lower = std::function<mlir::LogicalResult(mlir::Operation *, StepLowering &)>;

  template <typename Op> void add(mlir::LogicalResult (*lower)(Op, StepLowering &)) {
    table[Op::getOperationName()] = [lower](mlir::Operation *op, StepLowering &step) {
      return lower(llvm::cast<Op>(op), step);
    };
  }

  // Null where there is none for ops of this name.
  const Lower *find(llvm::StringRef name) const {
    auto entry = table.find(name);
    return entry == table.end() ? nullptr : &entry->second;
  }

private:
  llvm::StringMap<Lower> table;
};

// The lowerings of all files in Ops/.
void addAllLowerings(OpLowerings &all);

} // namespace quipu
