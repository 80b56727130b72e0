// Asynchronous copies of one block. They are done as late as the program allows, or at once (`eager`, which a block in
// two is run with): a missing wait and a buffer written to too early both show.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace quipu::simt {

// cp.async of one thread.
class ThreadCopies {
public:
  void reset(bool eager);
  void copy(void *shared, const void *global);
  void commit() { ++groups; }
  void wait(uint64_t newest);

private:
  struct Copy {
    void *to;
    const void *from; // null: zeros
    uint64_t group;
  };
  std::vector<Copy> pending; // in order
  uint64_t groups = 0;       // closed ones
  bool eager = false;
};

// mbarriers and the bulk copies that report to them. The functions that can fail give the reason.
class BlockTransfers {
public:
  void reset(bool eager);
  std::string init(void *barrier, int arrivals);
  std::string arrive(void *barrier, uint32_t bytes);
  std::string copy(void *shared, const void *global, uint32_t bytes, void *barrier);
  bool known(void *barrier) const { return barriers.count(barrier) != 0; }
  // Whether the barrier's phase of this parity is complete.
  bool complete(void *barrier, int parity) const { return barriers.at(barrier).phase % 2 != uint32_t(parity); }
  // Does the oldest copy that is under way; false where there is none.
  bool advance();

private:
  struct Barrier {
    int arrivals;         // a phase's
    int missing;          // of the current phase
    int64_t missingBytes; // announced and not there yet; below zero: there and not announced yet
    uint32_t phase;       // complete ones
  };
  struct Copy {
    void *to;
    const void *from;
    uint32_t bytes;
    void *barrier;
  };
  void perform(const Copy &copy);
  static void endPhaseIfDone(Barrier &barrier);

  std::map<void *, Barrier> barriers;
  std::vector<Copy> pending;
  bool eager = false;
};

} // namespace quipu::simt
