#include "runtime/Device/WeightLoad.h"
#include "runtime/Artifact/WeightLayout.h"
#include "test/runtime/Artifact/ToyModel.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <mutex>
#include <set>

using namespace quipu;

namespace {

// The toy model with a second target that shares one weight with the first and has one of its own, and weights large
// enough for several chunks.
class WeightLoadTest : public testing::Test {
protected:
  void SetUp() override {
    ArtifactContents contents = toy::contents();
    fb::ProgramT &program = contents.program;
    program.targets.push_back(std::move(toy::contents().program.targets[0]));
    program.targets[1]->target = "cuda:sm_90a";
    auto own = std::make_unique<fb::WeightT>(*program.weights[1]);
    own->name = "own";
    own->shape = {3, 7}; // bytes that are no multiple of 64
    program.weights.insert(program.weights.begin() + 1, std::move(own));
    program.weights[0]->shape = {400000, 16}; // several chunks
    auto index = [&](int target) { return &program.targets[target]->buffers[8]->index; };
    *index(0) = 2;
    *index(1) = 1;
    contents.packWeight = [](uint32_t weight, uint64_t begin, std::byte *out, uint64_t bytes) -> Expected<void> {
      for (uint64_t i = 0; i < bytes; ++i)
        out[i] = byteOf(weight, begin + i);
      return {};
    };
    ASSERT_TRUE(writeArtifact(path, std::move(contents)));
    Expected<Artifact> opened = Artifact::open(path);
    ASSERT_TRUE(opened) << opened.error().message;
    artifact = std::move(*opened);
  }

  static std::byte byteOf(uint32_t weight, uint64_t at) { return std::byte((weight * 37 + at * 11 + at / 251) & 0xff); }

  MemoryPlan planOf(uint32_t target) {
    Expected<MemoryPlan> plan = planMemory(artifact, target, {});
    EXPECT_TRUE(plan) << plan.error().message;
    return *plan;
  }

  uint64_t wrongBytes(const MemoryPlan &plan, const std::vector<std::byte> &block) {
    uint64_t wrong = 0;
    for (const PlacedWeight &placed : plan.placedWeights)
      for (uint64_t i = 0; i < placed.place.bytes; ++i)
        wrong += block[placed.place.offset + i] != byteOf(placed.weight, i);
    return wrong;
  }

  toy::TemporaryFolder folder;
  std::string path = folder.file("two.qpu");
  Artifact artifact;
};

// Memory of its own for every chunk, as a device with staging has.
class CopyingSink : public WeightSink {
public:
  explicit CopyingSink(std::vector<std::byte> &block) : block(block) {}
  Expected<std::byte *> take(uint64_t bytes, const std::vector<WeightPiece> &pieces) override {
    std::lock_guard<std::mutex> lock(mutex);
    taken += bytes;
    auto *memory = new std::byte[bytes];
    open.insert(memory);
    return memory;
  }
  Expected<void> deliver(std::byte *chunk, const std::vector<WeightPiece> &pieces) override {
    std::lock_guard<std::mutex> lock(mutex);
    for (const WeightPiece &piece : pieces)
      std::memcpy(block.data() + piece.to, chunk + piece.from, piece.bytes);
    open.erase(chunk);
    delete[] chunk;
    return refuse ? Expected<void>(makeError("device lost")) : Expected<void>();
  }

  std::mutex mutex;
  std::vector<std::byte> &block;
  uint64_t taken = 0;
  std::set<std::byte *> open;
  bool refuse = false;
};

TEST_F(WeightLoadTest, a_target_places_only_its_own_weights) {
  MemoryPlan first = planOf(0), second = planOf(1);
  ASSERT_EQ(first.placedWeights.size(), 2u);
  EXPECT_EQ(first.placedWeights[1].weight, 2u);
  EXPECT_EQ(first.weights.bytes, 400000u * 64 + 11 * 16);
  ASSERT_EQ(second.placedWeights.size(), 2u);
  EXPECT_EQ(second.placedWeights[1].weight, 1u);
  EXPECT_EQ(second.weights.bytes, 400000u * 64 + 3 * 7 * 4);
  EXPECT_EQ(second.buffers[8].offset, second.placedWeights[1].place.offset);
}

TEST_F(WeightLoadTest, every_byte_comes_to_its_place_in_host_memory) {
  for (uint32_t target : {0, 1}) {
    MemoryPlan plan = planOf(target);
    std::vector<std::byte> block(plan.blockBytes);
    HostWeightSink sink(block.data(), block.size());
    uint64_t last = 0, total = 0;
    WeightLoadOptions options;
    options.progress = [&](uint64_t done, uint64_t all) { last = done, total = all; };
    ASSERT_TRUE(loadWeights(artifact, plan, sink, options));
    EXPECT_EQ(wrongBytes(plan, block), 0u) << target;
    EXPECT_EQ(last, total);
    EXPECT_GE(total, plan.weights.bytes - 128);
  }
}

TEST_F(WeightLoadTest, every_byte_comes_to_its_place_through_staging) {
  for (uint32_t target : {0, 1}) {
    MemoryPlan plan = planOf(target);
    std::vector<std::byte> block(plan.blockBytes);
    CopyingSink sink(block);
    ASSERT_TRUE(loadWeights(artifact, plan, sink, {}));
    EXPECT_EQ(wrongBytes(plan, block), 0u) << target;
    EXPECT_TRUE(sink.open.empty());
  }
}

TEST_F(WeightLoadTest, chunks_of_other_targets_are_not_read) {
  MemoryPlan plan = planOf(0);
  plan.placedWeights.erase(plan.placedWeights.begin()); // all that is left lies in the last chunk
  std::vector<std::byte> block(plan.blockBytes);
  CopyingSink sink(block);
  ASSERT_TRUE(loadWeights(artifact, plan, sink, {}));
  EXPECT_EQ(sink.taken, artifact.weightIndex().chunks.back().bytes);
  EXPECT_EQ(largestWeightChunk(artifact, plan, false), sink.taken);
}

TEST_F(WeightLoadTest, damage_is_found_before_anything_is_delivered) {
  toy::flipByte(path, artifact.fileSize() - 5, 1); // in the last chunk
  MemoryPlan plan = planOf(0);
  plan.placedWeights.erase(plan.placedWeights.begin());
  std::vector<std::byte> block(plan.blockBytes);
  CopyingSink sink(block);
  Expected<void> loaded = loadWeights(artifact, plan, sink, {});
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("do not match their digest"), std::string::npos) << loaded.error().message;
  EXPECT_TRUE(sink.open.empty());
  EXPECT_EQ(block, std::vector<std::byte>(plan.blockBytes));
}

TEST_F(WeightLoadTest, weights_among_those_of_other_targets_are_not_mapped) {
  Expected<void> mapped = mapWeights(artifact, planOf(0), nullptr, {}); // the other target's own one is the second
  ASSERT_FALSE(mapped);
  EXPECT_NE(mapped.error().message.find("compile for one target"), std::string::npos) << mapped.error().message;
}

TEST_F(WeightLoadTest, an_error_of_the_device_ends_the_load) {
  MemoryPlan plan = planOf(0);
  std::vector<std::byte> block(plan.blockBytes);
  CopyingSink sink(block);
  sink.refuse = true;
  WeightLoadOptions options;
  options.threads = 1;
  Expected<void> loaded = loadWeights(artifact, plan, sink, options);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "device lost");
  EXPECT_EQ(sink.taken, artifact.weightIndex().chunks.front().bytes);
}

TEST_F(WeightLoadTest, random_weights_are_numbers_and_the_same_each_time) {
  MemoryPlan plan = planOf(1);
  std::vector<std::byte> first(plan.blockBytes), second(plan.blockBytes);
  for (std::vector<std::byte> *block : {&first, &second}) {
    CopyingSink sink(*block);
    WeightLoadOptions options;
    options.random = true;
    ASSERT_TRUE(loadWeights(artifact, plan, sink, options));
    EXPECT_EQ(sink.taken, 400000u * 64 + 3 * 7 * 4);
  }
  EXPECT_EQ(first, second);
  for (const PlacedWeight &placed : plan.placedWeights) {
    const auto *values = reinterpret_cast<const float *>(first.data() + placed.place.offset);
    for (uint64_t i = 0; i < placed.place.bytes / 4; ++i) {
      ASSERT_GE(std::abs(values[i]), 0.0009f) << i;
      ASSERT_LE(std::abs(values[i]), 0.0625f) << i;
    }
  }
}

} // namespace
