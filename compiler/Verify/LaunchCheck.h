// Runs every launch alone on the device, fed with the reference's operands, and compares what it wrote with the
// reference's results: an error stays where it is made, and nothing of the fusion changes.
#pragma once

#include "compiler/Api/CompilerApi.h"
#include "compiler/Reference/Evaluator.h"
#include "runtime/Device/Device.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

namespace quipu::verify {

// How far a result may be from the reference's, over the largest value of the reference.
struct Tolerances {
  double launch;    // one launch on exact operands
  double attention; // the same of attention
  double cache;     // keys and values, stored in the cache's type
  double logits;    // a whole step
};

class LaunchCheck {
public:
  LaunchCheck(LoadedProgram &program, const Artifact &artifact, const Tolerances &tolerances);

  // Evaluates one step by the reference and checks the launch of each op on the way; `step` is the device's form of
  // `inputs`.
  Expected<> run(lm::FuncOp function, reference::WeightSource &weights, const reference::Inputs &inputs,
                 const Step &step, reference::Caches &caches);

  // One line a launch, with its worst error of all steps, in the program's order; no number where it was never checked.
  std::vector<VerifyLine> lines() const { return results; }

private:
  Expected<> check(uint32_t launch, mlir::Operation *op, const std::vector<const reference::Value *> &operands,
                   const std::vector<reference::Value> &values, const Step &step);
  // Puts the reference's value where the launch reads the operand.
  Expected<> feed(mlir::Value operand, const reference::Value &value);
  Expected<> spoil(uint32_t buffer, const reference::Value &value);
  Expected<double> compareTensor(uint32_t buffer, const reference::Tensor &want);
  Expected<double> compareInts(uint32_t buffer, const reference::IntTensor &want);
  Expected<double> compareCache(uint32_t buffer, const reference::Cache &want, const reference::Batch &batch,
                                const Step &step);

  LoadedProgram &program;
  const Artifact &artifact;
  Tolerances tolerances;
  std::map<uint32_t, uint32_t> launchOf;              // by index of the op in the function
  llvm::DenseMap<mlir::Value, uint32_t> resultBuffer; // where the rows or integers of an op's result lie
  std::vector<VerifyLine> results;
};

// Largest difference over the largest magnitude of `want`; infinite where `got` is not a number.
template <typename T> double relativeError(const T *got, const double *want, size_t count) {
  double largest = 0, difference = 0;
  for (size_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::abs(want[i]));
    double here = std::abs(static_cast<double>(got[i]) - want[i]);
    difference = std::isnan(here) ? std::numeric_limits<double>::infinity() : std::max(difference, here);
  }
  return difference == 0 ? 0 : difference / std::max(largest, 1e-30);
}

} // namespace quipu::verify
