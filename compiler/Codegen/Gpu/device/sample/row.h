// A row of logits as sampling reads it. Tokens are in groups, the 16 bytes of each lane of a wave; the largest value
// of each group is found first, so that what follows reads only groups that have a token of interest: the 40th of
// 128000 values lies above all but some 40 groups.
#pragma once
#include "compiler/Codegen/Gpu/device/sample/rank.h"

enum { groupTokens = 4 * waveWidth, groupsInFlight = 4 };

template <int n> struct LogitRow {
  enum { groups = (n + groupTokens - 1) / groupTokens };
  const float *logits;
  const u32 *seen; // null: no penalty
  float penalty;

  QUIPU_DEVICE_MEMBER float penalised(float value, u32 seenBit) const {
    return !seenBit ? value : value > 0 ? value / penalty : value * penalty;
  }
  QUIPU_DEVICE_MEMBER float at(i32 token) const {
    return penalised(logits[token], seen ? seen[token / 32] >> token % 32 & 1 : 0);
  }
};

template <int n>
QUIPU_DEVICE LogitRow<n> logitRow(const float *logits, const u32 *seen, const RowSampling &sampling, int row) {
  return LogitRow<n>{logits + i64(row) * n,
                     sampling.repetitionPenalty == 1 ? nullptr : seen + i64(row) * ((n + 31) / 32),
                     sampling.repetitionPenalty};
}

// Four tokens of each column, with NaN in place of those from n on. All loads are under way together.
template <int n> QUIPU_DEVICE void loadTokens(const LogitRow<n> &row, const int *columns, float (*values)[4]) {
  const float none = bitsFloat(0x7fc00000u);
#pragma unroll
  for (int g = 0; g < groupsInFlight; ++g) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      values[g][i] = none;
    if (n % 4 == 0) {
      if (columns[g] < n)
        ChunkOf<float>::widen(loadChunk(row.logits + columns[g]), values[g]);
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i)
        if (columns[g] + i < n)
          values[g][i] = row.logits[columns[g] + i];
    }
  }
}

// Bit i: whether the sequence has token i of these four.
template <int n> QUIPU_DEVICE u32 seenBits(const LogitRow<n> &row, int column) {
  return row.seen && column < n ? row.seen[column / 32] >> column % 32 & 15 : 0;
}

template <int n> QUIPU_DEVICE void penalise(const LogitRow<n> &row, u32 bits, float *values) {
  if (bits) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      values[i] = row.penalised(values[i], bits >> i & 1);
  }
}

struct Largest {
  float value; // NaN: none yet
  i32 token;

  QUIPU_DEVICE_MEMBER void take(float other, i32 otherToken) {
    if (other > value || value != value) {
      value = other;
      token = otherToken;
    }
  }
};

QUIPU_DEVICE u32 waveLargest(u32 value) {
#pragma unroll
  for (int mask = waveWidth / 2; mask > 0; mask /= 2) {
    u32 other = shuffleXor(value, mask);
    value = other > value ? other : value;
  }
  return value;
}

// Reads groups first, first + step, ... below last, all lanes of a wave together. groupKeys: gets orderedBits of the
// largest value of each; null: nobody asks. Gives the largest rank among this lane's tokens, 0 where all are NaN.
template <int n> QUIPU_DEVICE u64 surveyGroups(const LogitRow<n> &row, int first, int step, int last, u32 *groupKeys) {
  Largest best = {bitsFloat(0x7fc00000u), 0};
  for (int group = first; group < last; group += groupsInFlight * step) {
    int columns[groupsInFlight];
    float values[groupsInFlight][4];
#pragma unroll
    for (int g = 0; g < groupsInFlight; ++g)
      columns[g] = group + g * step < last ? (group + g * step) * groupTokens + laneIndex() * 4 : n;
    loadTokens(row, columns, values);
#pragma unroll
    for (int g = 0; g < groupsInFlight; ++g) {
      penalise(row, seenBits(row, columns[g]), values[g]);
      Largest own = {values[g][0], columns[g]};
#pragma unroll
      for (int i = 1; i < 4; ++i)
        own.take(values[g][i], columns[g] + i);
      best.take(own.value, own.token);
      if (groupKeys && group + g * step < last) {
        u32 key = waveLargest(orderedBits(own.value));
        if (laneIndex() == 0)
          groupKeys[group + g * step] = key;
      }
    }
  }
  return best.value == best.value ? rankOf(best.value, best.token) : 0;
}

// Calls visit(value, token) for this lane's tokens of groups that begin at `starts` (n: none), all lanes of a wave
// together; those behind the first that is n are none. Tokens from n on are NaN. Leaves `starts` without meaning.
template <int n, class Visit> QUIPU_DEVICE void visitAt(const LogitRow<n> &row, int *starts, Visit visit) {
  int columns[groupsInFlight];
  u32 seen[groupsInFlight];
  float values[groupsInFlight][4];
#pragma unroll
  for (int g = 0; g < groupsInFlight; ++g)
    columns[g] = starts[g] + laneIndex() * 4;
  loadTokens(row, columns, values);
#pragma unroll
  for (int g = 0; g < groupsInFlight; ++g)
    seen[g] = seenBits(row, columns[g]);
  // One group after the other, each moving into the first one's registers: with all of them unrolled a kernel would be
  // 10000 instructions that no instruction cache holds.
#pragma unroll 1
  for (int g = 0; g < groupsInFlight && starts[0] < n; ++g) {
    penalise(row, seen[0], values[0]);
#pragma unroll
    for (int i = 0; i < 4; ++i)
      visit(values[0][i], starts[0] + laneIndex() * 4 + i);
#pragma unroll
    for (int h = 0; h + 1 < groupsInFlight; ++h) {
      starts[h] = starts[h + 1];
      seen[h] = seen[h + 1];
#pragma unroll
      for (int i = 0; i < 4; ++i)
        values[h][i] = values[h + 1][i];
    }
    starts[groupsInFlight - 1] = n;
  }
}

// Of groups first, first + step, ... below last.
template <int n, class Visit>
QUIPU_DEVICE void visitAll(const LogitRow<n> &row, int first, int step, int last, Visit visit) {
  for (int group = first; group < last; group += groupsInFlight * step) {
    int starts[groupsInFlight];
#pragma unroll
    for (int g = 0; g < groupsInFlight; ++g)
      starts[g] = group + g * step < last ? (group + g * step) * groupTokens : n;
    visitAt(row, starts, visit);
  }
}

// Of every group whose key is at least leastKey. The waves of a block divide the groups.
template <int n, int threads, class Visit>
QUIPU_DEVICE void visitReaching(const LogitRow<n> &row, const u32 *groupKeys, u32 leastKey, Visit visit) {
  constexpr int waves = threads / waveWidth, groups = LogitRow<n>::groups;
  for (int first = waveIndex(); first < groups; first += threads) {
    int mine = first + laneIndex() * waves;
    u64 wanted = waveBallot(mine < groups && groupKeys[smaller(mine, groups - 1)] >= leastKey);
    while (wanted) {
      int starts[groupsInFlight];
#pragma unroll
      for (int g = 0; g < groupsInFlight; ++g) {
        starts[g] = wanted ? (first + lowestBit(wanted) * waves) * groupTokens : n;
        wanted &= wanted - 1;
      }
      visitAt(row, starts, visit);
    }
  }
}
