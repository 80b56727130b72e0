// The host shim: what platform.h, memory.h, async.h and the emulations of matrix instructions are made of when a
// kernel is compiled for the host. Comes first, with QUIPU_SIMT defined; runtime/Device/Simt runs the threads.
//
// An emulation is a function that gets the arguments of all lanes at once:
//
//   struct Exchange { u32 given; int from; u32 got; };
//   static void exchange(void *const *lanes, int count) {
//     for (int lane = 0; lane < count; ++lane) {
//       Exchange *mine = (Exchange *)lanes[lane];
//       mine->got = ((Exchange *)lanes[mine->from])->given;
//     }
//   }
//   ... simtCollective(waveWidth, exchange, &mine);   // lanes: the wave's, or 128 for a warpgroup
#pragma once

static thread_local quipu::simt::Thread *simtThread;

extern "C" __attribute__((visibility("default"))) quipu::simt::Thread **quipuSimtCurrent() { return &simtThread; }

static inline const quipu::simt::Services &simtServices() { return *simtThread->services; }

static inline int simtThreadIndex() { return simtThread->index; }
static inline int simtBlock(int axis) { return simtThread->block[axis]; }
static inline unsigned char *simtDynamicShared() { return simtThread->dynamicShared; }
static inline void *simtSharedVariable(const void *key, unsigned long bytes) {
  return simtServices().sharedVariable(simtThread, key, bytes);
}

static inline void simtBarrier(int id, int threads) { simtServices().barrier(simtThread, id, threads); }

// All lanes of the group call it with the same operation, which runs once, when the last has come.
static inline void simtCollective(int lanes, quipu::simt::Collective operation, void *mine) {
  simtServices().collective(simtThread, lanes, operation, mine);
}

static inline void simtMeet(void *const *, int) {}
static inline void simtWaveBarrier() { simtCollective(simtThread->waveWidth, simtMeet, nullptr); }

struct SimtExchange {
  unsigned given, got;
  int from;
};

static inline void simtExchangeLanes(void *const *lanes, int count) {
  for (int lane = 0; lane < count; ++lane) {
    SimtExchange *mine = (SimtExchange *)lanes[lane];
    mine->got = ((SimtExchange *)lanes[mine->from & (count - 1)])->given;
  }
}

static inline unsigned simtShuffle(unsigned value, int from) {
  SimtExchange mine = {value, 0, from};
  simtCollective(simtThread->waveWidth, simtExchangeLanes, &mine);
  return mine.got;
}

struct SimtVote {
  bool given;
  unsigned long long got;
};

static inline void simtCountVotes(void *const *lanes, int count) {
  unsigned long long votes = 0;
  for (int lane = 0; lane < count; ++lane)
    votes |= (unsigned long long)((SimtVote *)lanes[lane])->given << lane;
  for (int lane = 0; lane < count; ++lane)
    ((SimtVote *)lanes[lane])->got = votes;
}

static inline unsigned long long simtBallot(bool predicate) {
  SimtVote mine = {predicate, 0};
  simtCollective(simtThread->waveWidth, simtCountVotes, &mine);
  return mine.got;
}

static inline void simtCopyAsync(void *shared, const void *global) {
  simtServices().copyAsync(simtThread, shared, global);
}
static inline void simtCommitCopies() { simtServices().commitCopies(simtThread); }
static inline void simtWaitCopies(int newest) { simtServices().waitCopies(simtThread, newest); }

static inline void simtInitTransfer(void *barrier, int arrivals) {
  simtServices().initTransfer(simtThread, barrier, arrivals);
}
static inline void simtArrive(void *barrier, unsigned bytes) { simtServices().arrive(simtThread, barrier, bytes); }
static inline void simtWaitTransfer(void *barrier, int parity) {
  simtServices().waitTransfer(simtThread, barrier, parity);
}
static inline void simtBulkCopy(void *shared, const void *global, unsigned bytes, void *barrier) {
  simtServices().bulkCopy(simtThread, shared, global, bytes, barrier);
}
static inline void simtFail(const char *message) { simtServices().fail(simtThread, message); }
