// The block runner with kernels written here: what they may do comes out right, what they do wrong is said.
#include "runtime/Device/Simt/Grid.h"

#include "compiler/Codegen/Gpu/device/simt.h"
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quipu::simt {
namespace {

using testing::HasSubstr;

constexpr uint32_t wave = 32;

KernelImage image(void *entry) { return {entry, quipuSimtCurrent}; }

template <typename Function> KernelImage imageOf(Function *function) {
  return image(reinterpret_cast<void *>(function));
}

Expected<void> run(const KernelImage &kernel, std::vector<void *> arguments, BlockShape shape,
                   std::array<uint32_t, 3> grid = {1, 1, 1}) {
  auto runner = GridRunner::create(2);
  if (!runner)
    return passError(std::move(runner));
  return (*runner)->run(kernel, arguments, shape, grid);
}

std::string failure(const KernelImage &kernel, std::vector<void *> arguments, BlockShape shape) {
  Expected<void> ran = run(kernel, std::move(arguments), shape);
  return ran ? "" : ran.error().message;
}

// Every thread gives its number to the next one through shared memory, then to the lane 1 beside it.
void neighbours(int *out) {
  int *shared = reinterpret_cast<int *>(simtDynamicShared());
  int index = simtThreadIndex();
  shared[index] = index;
  simtBarrier(0, 0);
  int next = shared[(index + 1) % 128];
  out[simtBlock(0) * 128 + index] = next * 1000 + int(simtShuffle(unsigned(index), (index % 32) ^ 1));
}

TEST(SimtBlock, ThreadsMeetAndExchange) {
  std::vector<int> out(5 * 128);
  ASSERT_TRUE(run(imageOf(neighbours), {out.data()}, {128, wave, 512}, {5, 1, 1}));
  for (int i = 0; i < 5 * 128; ++i)
    EXPECT_EQ(out[size_t(i)], (i % 128 + 1) % 128 * 1000 + (i % 128 ^ 1)) << i;
}

void votes(unsigned long long *out) { out[simtThreadIndex()] = simtBallot(simtThreadIndex() % 3 == 0); }

TEST(SimtBlock, VotesOfAWaveOf64) {
  std::vector<unsigned long long> out(64);
  ASSERT_TRUE(run(imageOf(votes), {out.data()}, {64, 64, 0}));
  unsigned long long want = 0;
  for (int i = 0; i < 64; i += 3)
    want |= 1ull << i;
  EXPECT_EQ(out, std::vector<unsigned long long>(64, want));
}

void withoutBarrier(float *out) {
  float *shared = reinterpret_cast<float *>(simtDynamicShared());
  int index = simtThreadIndex();
  shared[index] = float(index);
  out[index] = shared[(index + 1) % 32];
}

TEST(SimtBlock, FreshSharedMemoryIsNotANumber) {
  std::vector<float> out(32);
  ASSERT_TRUE(run(imageOf(withoutBarrier), {out.data()}, {32, wave, 128}));
  EXPECT_TRUE(std::isnan(out[0]));
}

void halfAtBarrier(int *) {
  if (simtThreadIndex() < 32)
    simtBarrier(0, 0);
}

TEST(SimtBlock, BarrierThatNotAllReach) {
  EXPECT_THAT(failure(imageOf(halfAtBarrier), {nullptr}, {64, wave, 0}),
              HasSubstr("no thread can go on: 32 at a barrier (thread 31) 32 at the kernel's end"));
}

void halfShuffles(int *) {
  if (simtThreadIndex() % 2)
    simtShuffle(1, 0);
  else
    simtBallot(true);
}

TEST(SimtBlock, LanesInDifferentOperations) {
  EXPECT_THAT(failure(imageOf(halfShuffles), {nullptr}, {32, wave, 0}),
              HasSubstr("thread 1 is in another operation than the rest of its wave"));
}

void writesBehind(int *) { simtDynamicShared()[64] = 0; }

TEST(SimtBlock, WritesBehindSharedMemory) {
  EXPECT_THAT(failure(imageOf(writesBehind), {nullptr}, {32, wave, 64}),
              HasSubstr("wrote 0 bytes behind 64 bytes of dynamic shared memory"));
}

void copies(const float *from, float *out, int *waits) {
  float *shared = reinterpret_cast<float *>(simtDynamicShared());
  int index = simtThreadIndex();
  simtCopyAsync(shared + index * 4, from + index * 4);
  simtCommitCopies();
  simtCopyAsync(shared + 128 + index * 4, nullptr);
  simtCommitCopies();
  if (*waits >= 0)
    simtWaitCopies(*waits);
  out[index] = shared[index * 4 + 3];
  out[32 + index] = shared[128 + index * 4];
}

TEST(SimtBlock, CopiesAreThereOnceWaitedFor) {
  std::vector<float> from(128, 3), out(64);
  auto runWith = [&](int waits) {
    EXPECT_TRUE(run(imageOf(copies), {from.data(), out.data(), &waits}, {32, wave, 1024}));
  };
  runWith(-1);
  EXPECT_TRUE(std::isnan(out[5]));
  runWith(1);
  EXPECT_EQ(out[5], 3);
  EXPECT_TRUE(std::isnan(out[37]));
  runWith(0);
  EXPECT_EQ(out[37], 0);
}

// One thread fetches two tiles, all wait for each.
void bulk(const float *from, float *out, int *announced) {
  unsigned char *shared = simtDynamicShared();
  if (simtThreadIndex() == 0)
    simtInitTransfer(shared, 1);
  simtBarrier(0, 0);
  for (int tile = 0; tile < 2; ++tile) {
    if (simtThreadIndex() == 0) {
      simtArrive(shared, unsigned(*announced));
      simtBulkCopy(shared + 128, from + tile * 32, 128, shared);
    }
    simtWaitTransfer(shared, tile % 2);
    out[tile * 64 + simtThreadIndex()] = reinterpret_cast<float *>(shared + 128)[simtThreadIndex() % 32];
    simtBarrier(0, 0);
  }
}

TEST(SimtBlock, BulkCopiesCompleteATransfer) {
  std::vector<float> from(64), out(128);
  for (int i = 0; i < 64; ++i)
    from[size_t(i)] = float(i);
  int announced = 128;
  ASSERT_TRUE(run(imageOf(bulk), {from.data(), out.data(), &announced}, {64, wave, 256}, {2, 1, 1}));
  for (int i = 0; i < 128; ++i)
    EXPECT_EQ(out[size_t(i)], float(i / 64 * 32 + i % 32));
}

TEST(SimtBlock, BytesThatNobodyBringsAreFound) {
  std::vector<float> from(64), out(128);
  int announced = 256;
  EXPECT_THAT(failure(imageOf(bulk), {from.data(), out.data(), &announced}, {64, wave, 256}),
              HasSubstr("64 waiting for a transfer"));
}

void usesUnknownTransfer(int *) { simtWaitTransfer(simtDynamicShared(), 0); }

TEST(SimtBlock, TransferBarrierWithoutInit) {
  EXPECT_THAT(failure(imageOf(usesUnknownTransfer), {nullptr}, {32, wave, 64}),
              HasSubstr("waits for a transfer barrier that was not initialised"));
}

TEST(SimtBlock, BlocksAreWholeWaves) {
  EXPECT_THAT(failure(imageOf(votes), {nullptr}, {48, wave, 0}), HasSubstr("no number of whole waves"));
}

// Half the block's waves meet at a barrier of their own while the others go on.
void groupsMeet(int *out) {
  int *shared = reinterpret_cast<int *>(simtDynamicShared());
  int index = simtThreadIndex();
  if (index >= 64) {
    shared[index] = index;
    simtBarrier(1, 64);
    out[index] = shared[64 + (index + 1) % 64];
  } else {
    out[index] = index;
  }
}

TEST(SimtBlock, SomeWavesMeetAtABarrierOfTheirOwn) {
  std::vector<int> out(128);
  ASSERT_TRUE(run(imageOf(groupsMeet), {out.data()}, {128, wave, 512}));
  EXPECT_EQ(out[64], 65);
  EXPECT_EQ(out[127], 64);
}

} // namespace
} // namespace quipu::simt
