// Runs the kernels of a target on the machine at hand, for --tune: which candidates there are the target's KernelChoice
// says, which one is taken compiler/Tuning.
#pragma once

#include "compiler/Codegen/KernelChoice.h"
#include "runtime/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace quipu {

class CandidateTimer {
public:
  // Candidates that are compiled and have operands to run on.
  class Trial {
  public:
    virtual ~Trial() = default;
    // Seconds that one launch of a candidate takes when it finds its weight in memory and not in a cache.
    virtual double run(size_t candidate) = 0;
  };

  virtual ~CandidateTimer() = default;

  // All that times depend on besides the kernels, as one line: chip, processor, threads, code generator. What was
  // measured under equal conditions need not be measured again.
  virtual std::string conditions() const = 0;
  // `candidates` compute the same, on `rows` rows. The trial is for use while the timer is there, and before the next.
  virtual Expected<std::unique_ptr<Trial>> prepare(const std::vector<KernelStages> &candidates, int64_t rows) = 0;
};

} // namespace quipu
