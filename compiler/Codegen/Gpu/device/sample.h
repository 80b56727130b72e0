// The next token of each row of logits, as compiler/Reference/Sampling.h says, without sorting, scans or atomics. The
// noise of a token is a function of the row's key and the token, so that a race among any set of tokens has the same
// winner whoever computes it, in whatever order; the only order that could show is that of sums of weights, and it is
// fixed.
//
// A block for each row:
//   survey   the largest value, of the row and of each group of tokens; a greedy row is done
//   top-k    the rank of the k-th token, by counting: first among the groups' largest values (k of them reach it, so k
//            tokens do), then among the tokens of the groups that reach it
//   race     the winner, and the sum of all weights
//   top-p    the winner stays if the weights of the tokens before it are less than p times all; else the winner among
//            those before it is the next to be asked of. The kept tokens are the first of all, so the first winner
//            that stays is the winner among them. A pass, some log(1/p) times on average
//
// Few rows of a large vocabulary are surveyed by many blocks each (sampleSplit); sampleMerge does the rest.
#pragma once
#include "compiler/Codegen/Gpu/device/sample/row.h"

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

enum { pivotCount = 3 };

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

  QUIPU_DEVICE_MEMBER void count(u64 other, Counts &counts) const {
#pragma unroll
    for (int p = 0; p < pivotCount; ++p)
      counts.reach[p] += other >= rank[p];
  }
};

template <int n, int threads> struct SampleMemory {
  u32 groupKeys[LogitRow<n>::groups];
  u64 partial[threads / waveWidth * 2]; // of any of the above
};

// Of lanes in groups of `width`; every lane gets the result, to the bit: both of a pair join the same two.
template <int width = waveWidth, class T> QUIPU_DEVICE T overWave(T mine) {
#pragma unroll
  for (int mask = width / 2; mask > 0; mask /= 2)
    mine.join(mine.ofLane(mask));
  return mine;
}

// Of all threads of the block; every thread gets the result.
template <int threads, class T> QUIPU_DEVICE T overBlock(T mine, u64 *partial) {
  constexpr int waves = threads / waveWidth;
  T *ofWave = (T *)partial;
  mine = overWave(mine);
  if (laneIndex() == 0)
    ofWave[waveIndex()] = mine;
  blockBarrier();
  T all = overWave<waves>(ofWave[laneIndex() % waves]);
  blockBarrier();
  return all;
}

// `low` is reached by at least `least` of what countReaching counts, `high` by fewer: gives the highest such low, but
// for less than `resolution`, or one that no more than `most` reach.
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
    Counts counts = overBlock<threads>(countReaching(pivots), partial);
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

// The rank of the k-th token; where there are fewer, one that all reach.
template <int n, int threads>
QUIPU_DEVICE u64 rankOfKth(const LogitRow<n> &row, u32 k, u64 largest, SampleMemory<n, threads> &memory) {
  constexpr int groups = LogitRow<n>::groups;
  const u32 *groupKeys = memory.groupKeys;
  u64 low = 0, high = u64(keyOf(largest) + 1) << 32;
  if (k < groups) {
    Highest lowest = {0};
    for (int group = threadIndex(); group < groups; group += threads)
      lowest.rank = larger(lowest.rank, ~(u64(groupKeys[group]) << 32));
    low = ~overBlock<threads>(lowest, memory.partial).rank;
    low = searchRank<threads>(low, high, leastRank, k, k + k / 2, memory.partial, [&](const Pivots &pivots) {
      Counts counts = {};
      for (int group = threadIndex(); group < groups; group += threads)
        pivots.count(u64(groupKeys[group]) << 32, counts);
      return counts;
    });
  }
  low = larger(low, leastRank);
  return searchRank<threads>(low, high, 1, k, k, memory.partial, [&](const Pivots &pivots) {
    Counts counts = {};
    visitGroups<n, threads>(row, groupKeys, keyOf(pivots.rank[0]),
                            [&](float value, i32 token) { pivots.count(rankOf(value, token), counts); });
    return counts;
  });
}

// Of a row whose groups are surveyed. All threads of the block; thread 0 gets the token.
template <int n, int threads>
QUIPU_DEVICE i32 drawToken(const LogitRow<n> &row, const RowSampling &sampling, u64 largest,
                           SampleMemory<n, threads> &memory) {
  constexpr float log2e = 1.44269504088896341f, ln2 = 0.693147180559945f;
  const float top = valueOfBits(keyOf(largest));
  u64 cut = leastRank;
  if (sampling.topK > 0 && sampling.topK < n)
    cut = rankOfKth<n, threads>(row, sampling.topK, largest, memory);

  // Exponents are of 2. A token's score is its exponent - log2 of its arrival, at most 33 more, so that one with 34
  // less than the largest one's score has lost. Weights below 2^-40 are nothing, even 128000 of them.
  const float scale = log2e / sampling.temperature;
  float least = -34.0f - fastLog2(arrival(sampling.key, tokenOf(largest)));
  if (sampling.minP > 0)
    least = larger(least, fastLog2(sampling.minP));
  const bool topP = sampling.topP < 1;
  auto race = [&](u32 leastKey, u64 leastRankHere) {
    Race mine = {0, 0};
    visitGroups<n, threads>(row, memory.groupKeys, leastKey, [&](float value, i32 token) {
      if (rankOf(value, token) < leastRankHere)
        return;
      float exponent = (value - top) * scale;
      if (topP)
        mine.weights += fastExp2(exponent);
      if (exponent >= least)
        mine.best = larger(mine.best, rankOf(exponent - fastLog2(arrival(sampling.key, token)), token));
    });
    return overBlock<threads>(mine, memory.partial);
  };

  float reached = topP && least > -40 ? -40.0f : least;
  u32 leastKey = orderedBits(top + reached * (sampling.temperature * ln2));
  Race all = race(leastKey > keyOf(cut) ? leastKey : keyOf(cut), cut);
  i32 winner = tokenOf(all.best);
  while (topP) {
    u64 rank = rankOf(row.at(winner), winner);
    if (rank == largest)
      break;
    Race before = race(keyOf(rank), rank + 1);
    if (before.weights < sampling.topP * all.weights)
      break;
    winner = tokenOf(before.best);
  }
  return winner;
}

// Whether the largest value is all that counts: it is of a greedy row, infinite, or NaN.
QUIPU_DEVICE bool takesLargest(const RowSampling &sampling, u64 largest) {
  const u32 key = keyOf(largest), infinity = 0xff800000u;
  return sampling.temperature == 0 || key >= infinity || key <= ~infinity;
}

// A block for each row.
template <int n, int threads>
QUIPU_DEVICE void sample(const float *logits, const RowSampling *samplings, const u32 *seen, i32 *out, int rows) {
  typedef SampleMemory<n, threads> Memory;
  if (blockX() >= rows)
    return;
  QUIPU_SHARED(Memory, memory, 1);
  const RowSampling sampling = samplings[blockX()];
  LogitRow<n> row = logitRow<n>(logits, seen, sampling, blockX());
  Highest mine = {surveyGroups(row, waveIndex(), threads / waveWidth, LogitRow<n>::groups,
                               sampling.temperature == 0 ? nullptr : memory[0].groupKeys)};
  u64 largest = overBlock<threads>(mine, memory[0].partial).rank;
  i32 token =
      takesLargest(sampling, largest) ? tokenOf(largest) : drawToken<n, threads>(row, sampling, largest, memory[0]);
  if (threadIndex() == 0)
    out[blockX()] = token;
}

// What sampleSplit leaves for sampleMerge: for each row the largest rank of each split, then the groups' keys.
template <int n, int splits> struct SplitResults {
  u64 *largest;
  u32 *groupKeys;

  QUIPU_DEVICE_MEMBER SplitResults(void *scratch, int row, int mostRows)
      : largest((u64 *)scratch + row * splits),
        groupKeys((u32 *)((u64 *)scratch + mostRows * splits) + row * LogitRow<n>::groups) {}
};

// For few rows: blockY of `splits` surveys `groups` groups.
template <int n, int groups, int splits, int mostRows, int threads>
QUIPU_DEVICE void sampleSplit(const float *logits, const RowSampling *samplings, const u32 *seen, void *scratch,
                              int rows) {
  if (blockX() >= rows)
    return;
  QUIPU_SHARED(u64, partial, threads / waveWidth);
  const RowSampling sampling = samplings[blockX()];
  LogitRow<n> row = logitRow<n>(logits, seen, sampling, blockX());
  SplitResults<n, splits> results(scratch, blockX(), mostRows);
  int first = blockY() * groups;
  Highest mine = {surveyGroups(row, first + waveIndex(), threads / waveWidth,
                               smaller(first + groups, LogitRow<n>::groups),
                               sampling.temperature == 0 ? nullptr : results.groupKeys)};
  mine = overBlock<threads>(mine, partial);
  if (threadIndex() == 0)
    results.largest[blockY()] = mine.rank;
}

// A block for each row; of a greedy one its first wave.
template <int n, int splits, int mostRows, int threads>
QUIPU_DEVICE void sampleMerge(const float *logits, const RowSampling *samplings, const u32 *seen, i32 *out,
                              void *scratch, int rows) {
  typedef SampleMemory<n, threads> Memory;
  if (blockX() >= rows)
    return;
  QUIPU_SHARED(Memory, memory, 1);
  const RowSampling sampling = samplings[blockX()];
  SplitResults<n, splits> results(scratch, blockX(), mostRows);
  Highest largest = {0};
  for (int split = laneIndex(); split < splits; split += waveWidth)
    largest.rank = larger(largest.rank, results.largest[split]);
  largest = overWave(largest);
  i32 token = tokenOf(largest.rank);
  if (!takesLargest(sampling, largest.rank)) {
    for (int group = threadIndex(); group < LogitRow<n>::groups; group += threads)
      memory[0].groupKeys[group] = results.groupKeys[group];
    blockBarrier();
    token = drawToken<n, threads>(logitRow<n>(logits, seen, sampling, blockX()), sampling, largest.rank, memory[0]);
  }
  if (threadIndex() == 0)
    out[blockX()] = token;
}
