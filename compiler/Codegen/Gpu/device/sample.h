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
// Few rows of a large vocabulary are surveyed by many blocks each (sampleSplit), which also hold the race among their
// tokens where no top-k comes first; sampleMerge does the rest.
//
// What sampleMerge then does, counted on the host (threads of sm_90a, 128256 tokens in 1002 groups, logits that fall
// with the logarithm of the rank 1.2 or 2 times and a normal 0.5; means of 8 draws; a pass ends in one reduction over
// the block):
//
//   temperature alone    nothing but to join the splits
//   top-p 0.95           0.6 to 0.9 passes over 5 to 47 groups
//   min-p 0.05           1 pass over 7 to 17 groups
//   top-k 40             8.5 reductions: 5.5 of the search, 1 that reads 48 groups, 1 race
//   top-k 40, top-p 0.95 9 to 9.5 reductions
//
// From the instructions, not measured on a device: a reduction takes some 350 clocks, so top-k some 4000, 2.5 us at 1.7
// GHz. A block that has its row to itself (sample) reads 512 KB of L2 at 64 bytes a clock, 8000 clocks; with nothing
// but a temperature it makes noise for every token that is not hopeless, 47 instructions each, 47000 clocks.
#pragma once
#include "compiler/Codegen/Gpu/device/sample/row.h"
#include "compiler/Codegen/Gpu/device/sample/search.h"

template <int n, int threads> struct SampleMemory {
  u32 groupKeys[LogitRow<n>::groups];
  u64 held[threads];
  u64 partial[threads / waveWidth * partialWords];
};

// Whether the largest value is all that counts: it is of a greedy row, infinite, or NaN.
QUIPU_DEVICE bool takesLargest(const RowSampling &sampling, u64 largest) {
  const u32 key = keyOf(largest), infinity = 0xff800000u;
  return sampling.temperature == 0 || key >= infinity || key <= ~infinity;
}

// Whether top-k leaves anything out.
template <int n> QUIPU_DEVICE bool hasTopK(const RowSampling &sampling) {
  return sampling.topK > 0 && sampling.topK < n;
}

// Weights and scores, relative to the token `largest`, which is in every race. Exponents are of 2. A token's score is
// its exponent - log2 of its arrival; it beats `largest` only if it arrives before weight * the arrival of that, and
// so only if y (rank.h) is less. Few of a row do, and only they need a logarithm. y is at least 2^-33: tokens of less
// than `least` need no noise. Weights below 2^-40 are nothing, even 128000 of them.
struct Draw {
  float top, scale, perExponent;
  float bar;   // 2^32 * arrival of `largest`, and a little
  float least; // exponent of what may win
  bool weighs; // somebody asks for the weights
  u64 key;

  QUIPU_DEVICE_MEMBER Draw(const RowSampling &sampling, u64 largest, float minP)
      : top(valueOfBits(keyOf(largest))), scale(1.44269504088896341f / sampling.temperature),
        perExponent(0.693147180559945f * sampling.temperature), weighs(sampling.topP < 1), key(sampling.key) {
    float first = arrival(noise(key, tokenOf(largest)));
    bar = first * (4294967296.0f * 1.0001f);
    least = -34.0f - fastLog2(first);
    if (minP > 0)
      least = larger(least, fastLog2(minP));
  }

  QUIPU_DEVICE_MEMBER float exponent(float value) const { return (value - top) * scale; }
  // Nothing below takes part.
  QUIPU_DEVICE_MEMBER u32 leastKey(bool weights) const {
    return orderedBits(top + (weights && least > -40 ? -40.0f : least) * perExponent);
  }
  QUIPU_DEVICE_MEMBER void enter(float value, i32 token, Race &race) const {
    float own = exponent(value), weight = fastExp2(own);
    if (weighs)
      race.weights += weight;
    if (own >= least) {
      u32 bits = noise(key, token);
      if (float(bits) <= weight * bar)
        race.best = larger(race.best, rankOf(own - fastLog2(arrival(bits)), token));
    }
  }
};

// The tokens of a row whose groups are surveyed; after top-k each thread may hold one of them, and these are all.
template <int n, int threads> struct RowTokens {
  const LogitRow<n> &row;
  SampleMemory<n, threads> &memory;
  u64 cut = leastRank; // ranks below are out
  bool areHeld = false;
  u64 mine = 0; // rank; 0, as of a NaN: none

  QUIPU_DEVICE_MEMBER RowTokens(const LogitRow<n> &row, SampleMemory<n, threads> &memory) : row(row), memory(memory) {}

  // Calls visitor(value, token) for all that may have leastKey or more, and for some others; all lanes of a wave
  // together.
  template <class Visit> QUIPU_DEVICE_MEMBER void visit(u32 leastKey, Visit visitor) const {
    if (!areHeld)
      visitReaching<n, threads>(row, memory.groupKeys, leastKey, visitor);
    else
      visitor(valueOfBits(keyOf(mine)), tokenOf(mine));
  }

  // Whether all that reach `low` found a thread: each wave has one for as many as it has lanes.
  QUIPU_DEVICE_MEMBER bool hold(u64 low) {
    u64 *places = memory.held + waveIndex() * waveWidth;
    places[laneIndex()] = 0;
    waveBarrier();
    u64 count = 0;
    visitReaching<n, threads>(row, memory.groupKeys, keyOf(low), [&](float value, i32 token) {
      u64 rank = rankOf(value, token), reaching = waveBallot(rank >= low);
      int place = int(count) + countBits(reaching & ((1ull << laneIndex()) - 1));
      if (rank >= low && place < waveWidth)
        places[place] = rank;
      count += countBits(reaching);
    });
    mine = 0;
    areHeld = overWaves<threads>(Highest{count}, memory.partial).rank <= waveWidth;
    if (areHeld)
      mine = places[laneIndex()];
    return areHeld;
  }

  // Leaves the first k: of the groups' largest values k reach some rank, and so do k tokens; these are held if they
  // are few, and counted.
  QUIPU_DEVICE_MEMBER void keepTopK(u32 k, u64 largest) {
    constexpr int groups = LogitRow<n>::groups;
    const u32 *groupKeys = memory.groupKeys;
    u64 *partial = memory.partial;
    u64 low = 0, high = u64(keyOf(largest) + 1) << 32;
    if (k < groups) {
      Highest lowest = {0};
      for (int group = threadIndex(); group < groups; group += threads)
        lowest.rank = larger(lowest.rank, ~(u64(groupKeys[group]) << 32));
      low = ~overBlock<threads>(lowest, partial).rank;
      low = searchRank<threads>(low, high, leastRank, k, k + k / 2, partial, [&](const Pivots &pivots) {
        Counts counts = {};
        for (int group = threadIndex(); group - threadIndex() < groups; group += threads)
          pivots.count(group < groups ? u64(groupKeys[group]) << 32 : 0, counts);
        return counts;
      });
      low = larger(low, leastRank);
      if (k <= threads / 2)
        hold(low);
    }
    low = larger(low, leastRank);
    cut = searchRank<threads>(low, high, 1, k, k, partial, [&](const Pivots &pivots) {
      Counts counts = {};
      visit(keyOf(pivots.rank[0]), [&](float value, i32 token) { pivots.count(rankOf(value, token), counts); });
      return counts;
    });
  }

  // Among tokens of `first` or more.
  QUIPU_DEVICE_MEMBER Race race(const Draw &draw, u32 leastKey, u64 first) const {
    Race own = {0, 0};
    visit(leastKey, [&](float value, i32 token) {
      if (rankOf(value, token) >= first)
        draw.enter(value, token, own);
    });
    return overBlock<threads>(own, memory.partial);
  }
};

// Of a row whose groups are surveyed. All threads of the block; every thread gets the token. `all`: the race among all
// tokens, where hasTopK says no and `raced` that it has been held; else ignored.
template <int n, int threads>
QUIPU_DEVICE i32 drawToken(const LogitRow<n> &row, const RowSampling &sampling, u64 largest, bool raced, Race all,
                           SampleMemory<n, threads> &memory) {
  RowTokens<n, threads> tokens(row, memory);
  if (hasTopK<n>(sampling))
    tokens.keepTopK(sampling.topK, largest);
  const Draw draw(sampling, largest, sampling.minP);
  i32 winner = tokenOf(all.best);
  bool isFirst = !raced || sampling.minP > 0; // the race among all that stay but for top-p is to come
  u64 first = tokens.cut;
  u32 leastKey = draw.leastKey(draw.weighs && !raced);
  leastKey = leastKey > keyOf(first) ? leastKey : keyOf(first);
  for (;;) {
    if (!isFirst) {
      u64 rank = draw.weighs ? rankOf(row.at(winner), winner) : largest;
      if (rank == largest)
        return winner;
      first = rank + 1;
      leastKey = keyOf(rank);
    }
    Race race = tokens.race(draw, leastKey, first);
    if (!isFirst && race.weights < sampling.topP * all.weights)
      return winner;
    if (isFirst && !raced)
      all.weights = race.weights;
    winner = tokenOf(race.best);
    isFirst = false;
  }
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
  i32 token = takesLargest(sampling, largest)
                  ? tokenOf(largest)
                  : drawToken<n, threads>(row, sampling, largest, false, Race{0, 0}, memory[0]);
  if (threadIndex() == 0)
    out[blockX()] = token;
}

// What a block of sampleSplit leaves for sampleMerge: the largest rank of its tokens and, where top-k leaves none out,
// the race among them, relative to the largest. Behind these of all rows and splits are the groups' keys of each row.
struct SplitResult {
  u64 largest;
  Race race;
};

template <int n, int splits, int mostRows> QUIPU_DEVICE SplitResult *splitResults(void *scratch) {
  return (SplitResult *)scratch + blockX() * splits;
}
template <int n, int splits, int mostRows> QUIPU_DEVICE u32 *splitGroupKeys(void *scratch) {
  return (u32 *)((SplitResult *)scratch + mostRows * splits) + blockX() * LogitRow<n>::groups;
}

// For few rows: blockY of `splits` surveys `groups` groups.
template <int n, int groups, int splits, int mostRows, int threads>
QUIPU_DEVICE void sampleSplit(const float *logits, const RowSampling *samplings, const u32 *seen, void *scratch,
                              int rows) {
  constexpr int waves = threads / waveWidth;
  if (blockX() >= rows)
    return;
  QUIPU_SHARED(u64, partial, waves * partialWords);
  const RowSampling sampling = samplings[blockX()];
  LogitRow<n> row = logitRow<n>(logits, seen, sampling, blockX());
  u32 *groupKeys = splitGroupKeys<n, splits, mostRows>(scratch);
  const int first = blockY() * groups + waveIndex(), last = smaller((blockY() + 1) * groups, LogitRow<n>::groups);
  Highest mine = {surveyGroups(row, first, waves, last, sampling.temperature == 0 ? nullptr : groupKeys)};
  SplitResult result = {overBlock<threads>(mine, partial).rank, {0, 0}};
  if (!takesLargest(sampling, result.largest) && !hasTopK<n>(sampling)) {
    const Draw draw(sampling, result.largest, 0);
    Race race = {0, 0};
    visitAll(row, first, waves, last, [&](float value, i32 token) {
      if (value == value)
        draw.enter(value, token, race);
    });
    result.race = overBlock<threads>(race, partial);
  }
  if (threadIndex() == 0)
    splitResults<n, splits, mostRows>(scratch)[blockY()] = result;
}

// A block for each row; of a greedy one nothing but its first wave matters.
template <int n, int splits, int mostRows, int threads>
QUIPU_DEVICE void sampleMerge(const float *logits, const RowSampling *samplings, const u32 *seen, i32 *out,
                              void *scratch, int rows) {
  typedef SampleMemory<n, threads> Memory;
  if (blockX() >= rows)
    return;
  QUIPU_SHARED(Memory, memory, 1);
  const RowSampling sampling = samplings[blockX()];
  const SplitResult *results = splitResults<n, splits, mostRows>(scratch);
  Highest first = {0};
  for (int split = laneIndex(); split < splits; split += waveWidth)
    first.rank = larger(first.rank, results[split].largest);
  const u64 largest = overWave(first).rank;
  i32 token = tokenOf(largest);
  if (!takesLargest(sampling, largest)) {
    const u32 *groupKeys = splitGroupKeys<n, splits, mostRows>(scratch);
    for (int group = threadIndex(); group < LogitRow<n>::groups; group += threads)
      memory[0].groupKeys[group] = groupKeys[group];
    const Draw draw(sampling, largest, 0);
    Race all = {0, 0};
    for (int split = laneIndex(); split < splits; split += waveWidth) {
      const SplitResult result = results[split];
      float behind = draw.exponent(valueOfBits(keyOf(result.largest)));
      if (result.race.best)
        all.join(Race{rankOf(valueOfBits(keyOf(result.race.best)) + behind, tokenOf(result.race.best)),
                      result.race.weights * fastExp2(behind)});
    }
    blockBarrier();
    token = drawToken<n, threads>(logitRow<n>(logits, seen, sampling, blockX()), sampling, largest,
                                  !hasTopK<n>(sampling), overWave(all), memory[0]);
  }
  if (threadIndex() == 0)
    out[blockX()] = token;
}
