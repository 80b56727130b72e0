#include "runtime/Artifact/MemoryPlan.h"
#include "test/runtime/Artifact/ToyModel.h"

#include <gtest/gtest.h>

using namespace quipu;

namespace {

class MemoryPlanTest : public testing::Test {
protected:
  void SetUp() override {
    toy::write(folder.file("toy.qpu"));
    Expected<Artifact> opened = Artifact::open(folder.file("toy.qpu"));
    ASSERT_TRUE(opened) << opened.error().message;
    artifact = std::move(*opened);
  }

  std::string errorOf(const MemoryOptions &options) {
    Expected<MemoryPlan> plan = planMemory(artifact, 0, options);
    return plan ? "" : plan.error().message;
  }

  toy::TemporaryFolder folder;
  Artifact artifact;
};

TEST_F(MemoryPlanTest, counts_every_byte) {
  MemoryOptions options;
  options.workers = 3;
  Expected<MemoryPlan> plan = planMemory(artifact, 0, options);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->weights.bytes, 368u);
  EXPECT_EQ(plan->pageCount, 4u * 64 / 16);
  EXPECT_EQ(plan->kv.bytes, 16u * 512);
  EXPECT_EQ(plan->activations.bytes, 2u * 24 * 4 * 4);
  EXPECT_EQ(plan->ropeTables.bytes, 64u * 4 * 4);
  EXPECT_EQ(plan->scratch.bytes, 3u * 4096);
  // ids, positions, slots of 24; starts of 5; lengths of 4; pages [4, 4]; rows, sampling of 32 bytes and a word of
  // tokens seen of 5: each at a multiple of 64
  EXPECT_EQ(plan->inputs.bytes, 3u * 128 + 64 + 64 + 64 + 64 + 192 + 20);
  // logits [5, 11], sampled [5]
  EXPECT_EQ(plan->outputs.bytes, 256u + 20);
  EXPECT_EQ(plan->blockBytes, 2u << 20);
  EXPECT_EQ(plan->total, plan->blockBytes + artifact.code(0).size());
}

TEST_F(MemoryPlanTest, parts_lie_behind_each_other_and_buffers_inside_them) {
  Expected<MemoryPlan> plan = planMemory(artifact, 0, {});
  ASSERT_TRUE(plan);
  uint64_t end = 0;
  for (const MemoryRange &part :
       {plan->weights, plan->kv, plan->activations, plan->ropeTables, plan->scratch, plan->inputs, plan->outputs}) {
    EXPECT_GE(part.offset, end);
    EXPECT_EQ(part.offset % 4096, 0u);
    end = part.offset + part.bytes;
  }
  EXPECT_LE(end, plan->blockBytes);
  for (const MemoryRange &buffer : plan->buffers)
    EXPECT_EQ(buffer.offset % 64, 0u);
  EXPECT_EQ(plan->buffers[8].offset, plan->weights.offset + 192);      // head
  EXPECT_EQ(plan->buffers[12].offset, plan->activations.offset + 384); // y
}

TEST_F(MemoryPlanTest, follows_what_is_chosen_at_load) {
  MemoryOptions options;
  options.maxContext = 100;
  options.maxSequences = 2;
  Expected<MemoryPlan> plan = planMemory(artifact, 0, options);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->limits.pageStride, 7u);
  EXPECT_EQ(plan->kv.bytes, 2u * 7 * 512);
  EXPECT_EQ(plan->ropeTables.bytes, 100u * 16);
  options.kvPages = 3;
  plan = planMemory(artifact, 0, options);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->kv.bytes, 3u * 512);
}

TEST_F(MemoryPlanTest, refuses_what_the_model_or_no_machine_can) {
  MemoryOptions options;
  options.maxContext = 129;
  EXPECT_EQ(errorOf(options),
            "max context 129 is more than the 128 positions of the model in " + folder.file("toy.qpu"));
  options = {};
  options.maxSequences = UINT32_MAX;
  EXPECT_EQ(errorOf(options), "max sequences 4294967295 is more than 1048576");
  options = {};
  options.kvPages = UINT32_MAX;
  EXPECT_NE(errorOf(options), "");
  options = {};
  options.workers = 5000;
  EXPECT_EQ(errorOf(options), "5000 threads are more than 1024");
}

} // namespace
