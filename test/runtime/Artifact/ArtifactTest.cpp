// What is written is read back: sections, program and weights, wherever the weights are.
#include "runtime/Artifact/Artifact.h"
#include "test/runtime/Artifact/ToyModel.h"

#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>

using namespace quipu;

namespace {

class ArtifactTest : public testing::Test {
protected:
  size_t filesInFolder() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder.path), {}));
  }
  std::string path(const std::string &name = "toy.qpu") const { return folder.file(name); }

  toy::TemporaryFolder folder;
};

// All weights, through the reader.
std::vector<float> readWeights(const Artifact &artifact) {
  Expected<WeightReader> reader = WeightReader::open(artifact);
  if (!reader) {
    ADD_FAILURE() << reader.error().message;
    return {};
  }
  std::vector<std::byte> bytes(artifact.weightIndex().bytes);
  for (size_t chunk = 0; chunk < reader->chunkCount(); ++chunk) {
    Expected<void> result = reader->read(chunk, bytes.data() + reader->chunkOffset(chunk));
    EXPECT_TRUE(result) << result.error().message;
  }
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

TEST_F(ArtifactTest, sections_come_back_as_they_were_written) {
  ArtifactContents contents = toy::contents();
  contents.tokenizer = "a tokenizer";
  std::string code = contents.code[0];
  ASSERT_TRUE(writeArtifact(path(), std::move(contents)));
  Expected<Artifact> artifact = Artifact::open(path());
  ASSERT_TRUE(artifact) << artifact.error().message;
  EXPECT_EQ(artifact->fileSize(), std::filesystem::file_size(path()));
  EXPECT_EQ(artifact->tokenizer(), "a tokenizer");
  ASSERT_EQ(artifact->codeCount(), 1u);
  EXPECT_EQ(artifact->code(0), code);
  EXPECT_EQ(artifact->program().model()->vocab(), toy::vocab);
  EXPECT_EQ(artifact->program().targets()->Get(0)->target()->str(), "cpu:toy");
  EXPECT_EQ(artifact->sections().back().offset % 4096, 0u);
}

TEST_F(ArtifactTest, weights_come_back_from_the_artifact_and_from_a_file_beside_it) {
  for (WeightPlacement placement : {WeightPlacement::Embed, WeightPlacement::File}) {
    toy::write(path(), {}, placement);
    Expected<Artifact> artifact = Artifact::open(path());
    ASSERT_TRUE(artifact) << artifact.error().message;
    EXPECT_EQ(artifact->weightIndex().placement, placement);
    std::vector<float> values = readWeights(*artifact);
    // table [11, 4], padding to 64 bytes, head [11, 4]
    ASSERT_EQ(values.size(), 48u + 44u);
    EXPECT_EQ(values[5], 0.0f);       // (1 * 7 + 1 * 3) % 5
    EXPECT_EQ(values[6], 3.0f);       // (1 * 7 + 2 * 3) % 5
    EXPECT_EQ(values[45], 0.0f);      // padding
    EXPECT_EQ(values[48 + 5], -1.0f); // (7 + 6 + 5) % 13 - 6
  }
  EXPECT_EQ(std::filesystem::file_size(path("toy.weights")), (48u + 44u) * 4);
}

TEST_F(ArtifactTest, an_artifact_without_weights_opens_and_says_so_when_they_are_asked_for) {
  ArtifactContents contents = toy::contents();
  contents.packWeight = nullptr; // must not be called
  ArtifactWriterOptions options;
  options.placement = WeightPlacement::None;
  ASSERT_TRUE(writeArtifact(path(), std::move(contents), options));
  Expected<Artifact> artifact = Artifact::open(path());
  ASSERT_TRUE(artifact) << artifact.error().message;
  EXPECT_EQ(artifact->weightIndex().bytes, (48u + 44u) * 4);
  Expected<WeightReader> reader = WeightReader::open(*artifact);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().message,
            path() + ": holds no weights (--weights none); compile it with --weights embed or --weights file; "
                     "only `quipu bench --random-weights` needs none");
}

TEST_F(ArtifactTest, a_weights_file_that_is_gone_or_of_another_size_is_named) {
  toy::write(path(), {}, WeightPlacement::File);
  Expected<Artifact> artifact = Artifact::open(path());
  ASSERT_TRUE(artifact);
  toy::writeFile(path("toy.weights"), "short");
  Expected<WeightReader> reader = WeightReader::open(*artifact);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().message, path("toy.weights") + ": has 5 bytes, but the weights of " + path() +
                                        " have 368; copy or compile both again");
  std::filesystem::remove(path("toy.weights"));
  reader = WeightReader::open(*artifact);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().message, path("toy.weights") +
                                        ": cannot be opened: No such file or directory; it holds the weights of " +
                                        path() + " and belongs beside it");
}

// Weights of several chunks, with rows that no chunk ends on and small weights between them.
ArtifactContents manyChunks() {
  ArtifactContents contents = toy::contents();
  for (auto [name, rows, columns] : {std::tuple{"large", 3000, 1001}, {"small", 1, 3}, {"larger", 5000, 1003}}) {
    auto weight = std::make_unique<fb::WeightT>();
    weight->name = name;
    weight->dtype = fb::DType::f32;
    weight->shape = {static_cast<uint64_t>(rows), static_cast<uint64_t>(columns)};
    weight->layout = "row_major";
    contents.program.weights.push_back(std::move(weight));
  }
  contents.packWeight = [](uint32_t weight, uint64_t begin, std::byte *out, uint64_t bytes) -> Expected<void> {
    for (uint64_t at = 0; at < bytes; at += 4) {
      float value = static_cast<float>(weight * 1000003 + (begin + at) / 4);
      std::memcpy(out + at, &value, 4);
    }
    return {};
  };
  return contents;
}

TEST_F(ArtifactTest, chunks_join_without_a_seam) {
  uint64_t last = 0, total = 0, calls = 0;
  ArtifactWriterOptions options;
  options.progress = [&](uint64_t done, uint64_t all) {
    EXPECT_GT(done, last);
    last = done, total = all, ++calls;
  };
  ASSERT_TRUE(writeArtifact(path(), manyChunks(), options));
  Expected<Artifact> artifact = Artifact::open(path());
  ASSERT_TRUE(artifact) << artifact.error().message;
  EXPECT_GT(artifact->weightIndex().chunks.size(), 3u);
  EXPECT_EQ(calls, artifact->weightIndex().chunks.size());
  EXPECT_EQ(last, total);
  std::vector<float> values = readWeights(*artifact);
  for (uint32_t i = 0; i < artifact->program().weights()->size(); ++i) {
    const fb::Weight &weight = *artifact->program().weights()->Get(i);
    size_t wrong = 0;
    for (uint64_t at = 0; at < weight.bytes() / 4; ++at)
      wrong += values[weight.offset() / 4 + at] != static_cast<float>(i * 1000003 + at);
    EXPECT_EQ(wrong, 0u) << weight.name()->str();
  }
}

TEST_F(ArtifactTest, the_same_contents_give_the_same_bytes_with_any_number_of_threads) {
  ArtifactWriterOptions options;
  options.threads = 1;
  ASSERT_TRUE(writeArtifact(path("one.qpu"), manyChunks(), options));
  options.threads = 5;
  ASSERT_TRUE(writeArtifact(path("five.qpu"), manyChunks(), options));
  EXPECT_TRUE(toy::readFile(path("one.qpu")) == toy::readFile(path("five.qpu")));
}

TEST_F(ArtifactTest, an_error_while_packing_leaves_nothing_behind_and_an_older_file_as_it_was) {
  for (WeightPlacement placement : {WeightPlacement::Embed, WeightPlacement::File}) {
    toy::writeFile(path(), "older");
    ArtifactContents contents = manyChunks();
    contents.packWeight = [](uint32_t weight, uint64_t, std::byte *, uint64_t) -> Expected<void> {
      return weight == 4 ? makeError("shard.safetensors: is cut short") : Expected<void>();
    };
    ArtifactWriterOptions options;
    options.placement = placement;
    Expected<void> result = writeArtifact(path(), std::move(contents), options);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "shard.safetensors: is cut short");
    EXPECT_EQ(toy::readFile(path()), "older");
    EXPECT_EQ(filesInFolder(), 1u);
  }
}

TEST_F(ArtifactTest, a_place_that_cannot_be_written_is_named) {
  Expected<void> result = writeArtifact(path("absent/toy.qpu"), toy::contents());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, path("absent/toy.qpu") + ": cannot be written: No such file or directory");
  result = writeArtifact(folder.path, toy::contents());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, folder.path + ": cannot be written: it exists and is not a regular file");
  EXPECT_EQ(filesInFolder(), 0u);
}

TEST_F(ArtifactTest, the_artifact_is_not_written_over_its_own_weights) {
  ArtifactWriterOptions options;
  options.placement = WeightPlacement::File;
  Expected<void> result = writeArtifact(path("toy.weights"), toy::contents(), options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            path("toy.weights") + ": is also the name of the file for the weights; give the artifact another one");
  EXPECT_EQ(filesInFolder(), 0u);
}

TEST_F(ArtifactTest, a_weight_that_its_layout_does_not_take_is_named) {
  ArtifactContents contents = toy::contents();
  contents.program.weights[1]->layout = "panel64_gated";
  Expected<void> result = writeArtifact(path(), std::move(contents));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "weight 'head': layout wants a shape of rank 2 or 3 with an even number of rows");
}

} // namespace
