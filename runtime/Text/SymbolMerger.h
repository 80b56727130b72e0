// The greedy loop of byte-pair encoding: of all neighbouring symbols that can merge, the pair of lowest cost (the
// leftmost of equals) merges first, until none can. A heap of candidates makes it O(n log n); a candidate whose
// symbols have changed since is recognised by its length, because symbols only ever grow.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace quipu {

// A run of the text; neighbours are linked so that a merge is O(1). An absorbed symbol has length 0.
struct Symbol {
  uint32_t offset, length; // bytes
  int32_t id;              // token id, or -1 where the run is no token
  int32_t previous, next;  // indices of symbols, or -1
  bool frozen = false;     // never merges
};

struct SymbolMerge {
  double cost;
  int32_t id; // of the merged symbol
};

class SymbolMerger {
public:
  std::vector<Symbol> symbols;

  void clear() { symbols.clear(); }

  // Symbols are added from left to right and cover the text without gaps.
  void add(uint32_t offset, uint32_t length, int32_t id, bool frozen = false) {
    int32_t index = static_cast<int32_t>(symbols.size());
    if (index > 0)
      symbols[index - 1].next = index;
    symbols.push_back({offset, length, id, index - 1, -1, frozen});
  }

  // `lookup(left, right)` gives a std::optional<SymbolMerge>. Afterwards walk the symbols whose length is not 0.
  template <typename Lookup> void run(Lookup lookup) {
    candidates.clear();
    auto consider = [&](int32_t left, int32_t right) {
      if (left < 0 || right < 0 || symbols[left].frozen || symbols[right].frozen)
        return false;
      std::optional<SymbolMerge> merge = lookup(symbols[left], symbols[right]);
      if (merge)
        candidates.push_back({merge->cost, left, symbols[left].length + symbols[right].length, merge->id});
      return merge.has_value();
    };
    auto push = [&](int32_t left, int32_t right) {
      if (consider(left, right))
        std::push_heap(candidates.begin(), candidates.end());
    };
    for (int32_t i = 0; i + 1 < static_cast<int32_t>(symbols.size()); ++i)
      consider(i, i + 1);
    std::make_heap(candidates.begin(), candidates.end());
    while (!candidates.empty()) {
      Candidate best = candidates.front();
      std::pop_heap(candidates.begin(), candidates.end());
      candidates.pop_back();
      Symbol &left = symbols[best.left];
      if (left.length == 0 || left.next < 0 || left.length + symbols[left.next].length != best.length)
        continue;
      Symbol &right = symbols[left.next];
      left.length = best.length;
      left.id = best.id;
      left.next = right.next;
      right.length = 0;
      if (left.next >= 0)
        symbols[left.next].previous = best.left;
      push(left.previous, best.left);
      push(best.left, left.next);
    }
  }

private:
  struct Candidate {
    double cost;
    int32_t left;
    uint32_t length; // of both symbols together
    int32_t id;
    // The heap gives the greatest, so "less" means merges later.
    bool operator<(const Candidate &other) const { return cost != other.cost ? cost > other.cost : left > other.left; }
  };
  std::vector<Candidate> candidates;
};

} // namespace quipu
