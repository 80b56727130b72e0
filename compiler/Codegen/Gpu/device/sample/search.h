// Results over the threads of a block, and the search for a rank by counting.
#pragma once
#include "compiler/Codegen/Gpu/device/sample/rank.h"

struct Highest {
  u64 rank;

  QUIPU_DEVICE_MEMBER void join(const Highest &other) { rank = larger(rank, other.rank); }
  QUIPU_DEVICE_MEMBER Highest ofLane(int mask) const { return Highest{shuffleXor(rank, mask)}; }
};

// The best score of a race, ranked as values are, and the weights of all that took part.
struct Race {
  u64 best;
  float weights;

  QUIPU_DEVICE_MEMBER void join(const Race &other) {
    best = larger(best, other.best);
    weights += other.weights;
  }
  QUIPU_DEVICE_MEMBER Race ofLane(int mask) const { return Race{shuffleXor(best, mask), shuffleXor(weights, mask)}; }
};

// Three pivots leave a quarter of a range in a pass. A pass of 16 waves over held tokens is some 75 instructions of a
// wave (23 to count, 8 shuffles and additions a pivot over the waves, 18 to choose): with seven pivots it would be 180
// for an eighth, more for each bit.
enum { pivotCount = 3 };
enum { partialWords = 2 }; // of shared memory, for each wave: what any of these takes

// How many ranks reach each of some pivots.
struct Counts {
  u32 reach[pivotCount];

  QUIPU_DEVICE_MEMBER void join(const Counts &other) {
#pragma unroll
    for (int p = 0; p < pivotCount; ++p)
      reach[p] += other.reach[p];
  }
  QUIPU_DEVICE_MEMBER Counts ofLane(int mask) const {
    Counts other;
#pragma unroll
    for (int p = 0; p < pivotCount; ++p)
      other.reach[p] = shuffleXor(reach[p], mask);
    return other;
  }
};

struct Pivots {
  u64 rank[pivotCount];

  // All lanes of a wave together; counts are of the wave.
  QUIPU_DEVICE_MEMBER void count(u64 other, Counts &counts) const {
#pragma unroll
    for (int p = 0; p < pivotCount; ++p)
      counts.reach[p] += countBits(waveBallot(other >= rank[p]));
  }
};

// Of lanes in groups of `width`; every lane gets the result, to the bit: both of a pair join the same two.
template <int width = waveWidth, class T> QUIPU_DEVICE T overWave(T mine) {
#pragma unroll
  for (int mask = width / 2; mask > 0; mask /= 2)
    mine.join(mine.ofLane(mask));
  return mine;
}

// Of the waves of the block, each with the same in all lanes; every thread gets the result.
template <int threads, class T> QUIPU_DEVICE T overWaves(T ofMine, u64 *partial) {
  constexpr int waves = threads / waveWidth;
  T *ofWave = (T *)partial;
  if (laneIndex() == 0)
    ofWave[waveIndex()] = ofMine;
  blockBarrier();
  T all = overWave<waves>(ofWave[laneIndex() % waves]);
  blockBarrier();
  return all;
}

// Of all threads of the block.
template <int threads, class T> QUIPU_DEVICE T overBlock(T mine, u64 *partial) {
  return overWaves<threads>(overWave(mine), partial);
}

// `low` is reached by at least `least` of what countReaching counts, `high` by fewer: gives the highest such low, but
// for less than `resolution`, or one that no more than `most` reach. countReaching counts what each wave has.
template <int threads, class CountReaching>
QUIPU_DEVICE u64 searchRank(u64 low, u64 high, u64 resolution, u32 least, u32 most, u64 *partial,
                            CountReaching countReaching) {
  u32 reachLow = 0xffffffffu;
  while (high - low > resolution && reachLow > most) {
    Pivots pivots;
    u64 step = larger((high - low) / (pivotCount + 1), 1ull);
#pragma unroll
    for (int p = 0; p < pivotCount; ++p)
      pivots.rank[p] = low + step * (p + 1);
    Counts counts = overWaves<threads>(countReaching(pivots), partial);
#pragma unroll
    for (int p = 0; p < pivotCount; ++p) {
      if (counts.reach[p] >= least) {
        low = pivots.rank[p];
        reachLow = counts.reach[p];
      } else if (pivots.rank[p] < high) {
        high = pivots.rank[p];
      }
    }
  }
  return low;
}
