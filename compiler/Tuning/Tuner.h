// Chooses among the candidates for a launch by measuring, and remembers what it found.
#pragma once

#include "compiler/Target/CandidateTimer.h"
#include "compiler/Target/CompileCache.h"

namespace quipu {

struct TunedChoice {
  size_t candidate = 0;
  double gain = 0;      // of time, over the first candidate
  bool measured = true; // now; else found in the cache
};

class Tuner {
public:
  Tuner(CandidateTimer &timer, const CompileCache &findings) : timer(timer), findings(findings) {}

  // The first candidate is the cost model's choice and stays unless another is clearly faster. Findings hold for the
  // timer's conditions, these candidates and this number of rows; one that cannot be read is measured again.
  Expected<TunedChoice> choose(const std::vector<KernelStages> &candidates, int64_t rows);

private:
  CandidateTimer &timer;
  const CompileCache &findings;
};

} // namespace quipu
