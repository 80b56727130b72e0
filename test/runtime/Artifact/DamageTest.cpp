// Whatever happened to an artifact on its way, the loader says so in one line that names the file.
#include "runtime/Artifact/Artifact.h"
#include "runtime/Artifact/MemoryPlan.h"
#include "test/runtime/Artifact/ToyModel.h"

#include <filesystem>
#include <gtest/gtest.h>

using namespace quipu;

namespace {

// Opens an artifact and reads all its weights; the first error, or nothing.
std::string errorOf(const std::string &path) {
  Expected<Artifact> artifact = Artifact::open(path);
  if (!artifact)
    return artifact.error().message;
  Expected<WeightReader> reader = WeightReader::open(*artifact);
  if (!reader)
    return reader.error().message;
  std::vector<std::byte> weights(artifact->weightIndex().bytes);
  for (size_t chunk = 0; chunk < reader->chunkCount(); ++chunk)
    if (Expected<void> result = reader->read(chunk, weights.data() + reader->chunkOffset(chunk)); !result)
      return result.error().message;
  return "";
}

class DamageTest : public testing::Test {
protected:
  void SetUp() override {
    toy::write(path);
    good = toy::readFile(path);
    ASSERT_EQ(errorOf(path), "");
  }

  // The error names the file and is one line.
  void expectRefused(const std::string &what) {
    std::string error = errorOf(path);
    EXPECT_EQ(error.substr(0, path.size() + 2), path + ": ") << what;
    EXPECT_EQ(error.find('\n'), std::string::npos) << what;
  }

  toy::TemporaryFolder folder;
  std::string path = folder.file("toy.qpu");
  std::string good;
};

TEST_F(DamageTest, every_flipped_byte_is_found) {
  for (size_t at = 0; at < good.size(); ++at) {
    auto bit = static_cast<unsigned char>(1 << at % 8);
    toy::flipByte(path, at, bit);
    expectRefused(fmt::format("byte {}", at));
    if (HasFailure())
      return;
    toy::flipByte(path, at, bit);
  }
}

TEST_F(DamageTest, every_cut_at_and_around_a_section_boundary_is_found) {
  Expected<Artifact> artifact = Artifact::open(path);
  ASSERT_TRUE(artifact);
  std::vector<uint64_t> boundaries = {0, sizeof(ArtifactHeader), artifact->fileSize()};
  for (const SectionEntry &section : artifact->sections()) {
    boundaries.push_back(section.offset);
    boundaries.push_back(section.offset + section.size);
  }
  for (uint64_t boundary : boundaries)
    for (int64_t shift : {-1, 0, 1}) {
      uint64_t length = boundary + static_cast<uint64_t>(shift);
      if (length >= good.size())
        continue;
      toy::writeFile(path, good.substr(0, length));
      expectRefused(fmt::format("cut to {}", length));
    }
  toy::writeFile(path, good + '\0');
  expectRefused("one byte more");
}

TEST_F(DamageTest, other_files_and_versions_are_told_apart) {
  toy::writeFile(path, std::string(5000, 'x'));
  EXPECT_EQ(errorOf(path), path + ": is not a Quipu artifact");
  toy::writeFile(path, "");
  EXPECT_EQ(errorOf(path), path + ": is not a Quipu artifact: it has only 0 bytes");
  std::string bytes = good;
  bytes[8] = 9;
  toy::writeFile(path, bytes);
  EXPECT_EQ(errorOf(path),
            path + ": has artifact version 9, but this program reads version 2; compile the model again");
  EXPECT_EQ(errorOf(folder.path), folder.path + ": is not a regular file");
}

// A file of holes takes no disk and may claim to hold more than there is memory.
TEST_F(DamageTest, a_section_of_absurd_size_is_refused_before_memory_is_taken) {
  constexpr uint64_t size = uint64_t(1) << 40;
  SectionEntry section = {SectionKind::Program, 0, 128, size, {}};
  ArtifactHeader header = {artifactMagic, artifactVersion, 1, 128 + size, {}, {}};
  std::string bytes(reinterpret_cast<const char *>(&header), sizeof(header));
  bytes.append(reinterpret_cast<const char *>(&section), sizeof(section));
  toy::writeFile(path, bytes);
  std::filesystem::resize_file(path, 128 + size);
  Expected<Artifact> artifact = Artifact::open(path, {/*checkDigests=*/false});
  ASSERT_FALSE(artifact);
  EXPECT_EQ(artifact.error().message,
            path + ": is damaged: the program section has 1099511627776 bytes; copy or compile it again");
}

TEST_F(DamageTest, weights_that_changed_beside_the_artifact_are_found) {
  toy::write(path, {}, WeightPlacement::File);
  size_t size = toy::readFile(folder.file("toy.weights")).size();
  for (size_t at = 0; at < size; ++at) {
    toy::flipByte(folder.file("toy.weights"), at, 0x10);
    ASSERT_EQ(errorOf(path), folder.file("toy.weights") +
                                 ": is damaged: weights at byte 0 do not match their digest; copy or compile it again");
    toy::flipByte(folder.file("toy.weights"), at, 0x10);
  }
}

// Behind the digests: whoever can compute a digest still meets the checks.
TEST_F(DamageTest, no_flipped_bit_behind_the_digests_breaks_the_loader) {
  Expected<Artifact> artifact = Artifact::open(path);
  ASSERT_TRUE(artifact);
  ArtifactOpenOptions options;
  options.checkDigests = false;
  size_t refused = 0;
  for (const SectionEntry &section : artifact->sections()) {
    if (section.kind == SectionKind::Code || section.kind == SectionKind::Weights)
      continue;
    for (uint64_t bit = 0; bit < section.size * 8; ++bit) {
      auto mask = static_cast<unsigned char>(1 << bit % 8);
      toy::flipByte(path, section.offset + bit / 8, mask);
      Expected<Artifact> changed = Artifact::open(path, options);
      refused += !changed;
      for (uint32_t target = 0; changed && target < changed->program().targets()->size(); ++target)
        (void)planMemory(*changed, target, {});
      toy::flipByte(path, section.offset + bit / 8, mask);
    }
  }
  EXPECT_GT(refused, 1000u);
}

// A fuzzer whose seeds are refused at the header finds nothing.
TEST_F(DamageTest, the_fuzzer_starts_from_an_artifact_of_this_format) {
  toy::writeFile(path, toy::readFile("test/runtime/Artifact/corpus/file").substr(1));
  EXPECT_EQ(errorOf(path), "") << "run artifact-seeds to write the seeds again";
}

} // namespace
