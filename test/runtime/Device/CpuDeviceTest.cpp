#include "runtime/Device/Cpu/CpuDevice.h"
#include "runtime/Device/Cpu/CpuFeatures.h"
#include "test/runtime/Artifact/ToyModel.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <set>

using namespace quipu;

namespace {

class CpuDeviceTest : public testing::Test {
protected:
  // Writes the contents and opens them.
  void open(ArtifactContents &&contents) {
    ASSERT_TRUE(writeArtifact(path, std::move(contents)));
    Expected<Artifact> opened = Artifact::open(path);
    ASSERT_TRUE(opened) << opened.error().message;
    artifact = std::move(*opened);
  }

  Expected<std::unique_ptr<LoadedProgram>> load(const LoadOptions &options = {}) {
    Expected<std::unique_ptr<Device>> device = openDevice("cpu");
    if (!device)
      return passError(std::move(device));
    return (*device)->load(artifact, 0, options);
  }

  toy::TemporaryFolder folder;
  std::string path = folder.file("toy.qpu");
  Artifact artifact;
};

// Targets of the toy model that need these features.
ArtifactContents targets(const std::vector<std::pair<std::string, std::vector<std::string>>> &wanted) {
  ArtifactContents contents = toy::contents();
  contents.program.targets.clear();
  for (const auto &[name, features] : wanted) {
    toy::Options options;
    options.features = features;
    contents.program.targets.push_back(std::move(toy::contents(options).program.targets[0]));
    contents.program.targets.back()->target = name;
  }
  return contents;
}

TEST_F(CpuDeviceTest, the_target_with_the_most_features_that_are_there_is_chosen) {
  open(targets({{"cuda:sm_90a", {}},
                {"cpu:x86-64-v3", {"avx2"}},
                {"cpu:x86-64-v4", {"avx2", "avx512f"}},
                {"cpu:sapphirerapids", {"avx2", "avx512f", "amx-bf16"}}}));
  EXPECT_EQ(cpu::chooseTarget(artifact, {"avx2", "avx512f", "bmi2"}).value(), 2u);
  EXPECT_EQ(cpu::chooseTarget(artifact, {"avx2", "amx-bf16"}).value(), 1u);
  EXPECT_EQ(cpu::chooseTarget(artifact, {"avx2", "avx512f", "amx-bf16"}).value(), 3u);
}

TEST_F(CpuDeviceTest, the_error_says_what_each_target_lacks) {
  open(targets({{"cpu:x86-64-v4", {"avx2", "avx512f", "avx512bw"}}, {"hip:gfx942", {}}}));
  Expected<uint32_t> target = cpu::chooseTarget(artifact, {"avx2"});
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().message, path +
                                        ": no target of it runs on this CPU: 'cpu:x86-64-v4' needs avx512f, avx512bw, "
                                        "not there; 'hip:gfx942' is for --device hip; compile it with --target cpu");
}

TEST_F(CpuDeviceTest, features_of_this_cpu_are_known_ones_and_have_what_every_x86_64_has) {
  std::set<std::string> features = cpu::detectFeatures();
  for (const char *feature : {"sse2", "cmov", "64bit", "fxsr"})
    EXPECT_TRUE(features.count(feature)) << feature;
  EXPECT_EQ(features.count("avx2") == 1, __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(features.count("avx512bf16") == 1, __builtin_cpu_supports("avx512bf16") != 0);
  EXPECT_EQ(features.count("avx512vnni") == 1, __builtin_cpu_supports("avx512vnni") != 0);
  for (const std::string &feature : features) {
    auto known = cpu::knownFeatures();
    EXPECT_EQ(std::count(known.begin(), known.end(), feature), 1) << feature;
  }
}

TEST_F(CpuDeviceTest, one_launch_runs_alone_on_what_was_written) {
  open(toy::contents());
  Expected<std::unique_ptr<LoadedProgram>> program = load();
  ASSERT_TRUE(program) << program.error().message;
  Step step;
  step.ids = {3, 1};
  step.positions = step.slots = {0, 1};
  step.seqStarts = {0, 2};
  step.contextLens = {2};
  step.pageTable = {0, 0, 0, 0};
  step.rows = {1};
  step.sampling.resize(1);
  ASSERT_TRUE((*program)->setStep(step));
  // y of the second row is (1, 0, 0, 0): the logits are the first column of the head.
  constexpr uint32_t y = 12, logitsLaunch = 3;
  std::vector<float> values = {9, 9, 9, 9, 1, 0, 0, 0}, logits(toy::vocab);
  ASSERT_TRUE((*program)->write(y, 0, values.data(), values.size() * sizeof(float)));
  ASSERT_TRUE((*program)->runLaunch(logitsLaunch));
  ASSERT_TRUE((*program)->read((*program)->outputBuffer(StepOutput::Logits), 0, logits.data(), toy::vocab * 4));
  for (uint32_t v = 0; v < toy::vocab; ++v)
    EXPECT_EQ(logits[v], static_cast<float>(7 * v * v % 13) - 6);
  EXPECT_FALSE((*program)->runLaunch(5));
  EXPECT_FALSE((*program)->read(17, 0, logits.data(), 4));
  EXPECT_FALSE((*program)->read(y, 0, logits.data(), 24 * 4 * 4 + 1));
}

TEST_F(CpuDeviceTest, rope_table_holds_cosines_then_sines) {
  open(toy::contents());
  LoadOptions options;
  options.maxContext = 7;
  Expected<std::unique_ptr<LoadedProgram>> program = load(options);
  ASSERT_TRUE(program) << program.error().message;
  std::vector<float> table(7 * 4);
  ASSERT_TRUE((*program)->read(10, 0, table.data(), table.size() * sizeof(float)));
  for (int p = 0; p < 7; ++p) {
    EXPECT_FLOAT_EQ(table[p * 4 + 0], 0.5f * std::cos(float(p)));
    EXPECT_FLOAT_EQ(table[p * 4 + 1], 0.5f * std::cos(float(p) * 0.25f));
    EXPECT_FLOAT_EQ(table[p * 4 + 2], 0.5f * std::sin(float(p)));
    EXPECT_FLOAT_EQ(table[p * 4 + 3], 0.5f * std::sin(float(p) * 0.25f));
  }
}

TEST_F(CpuDeviceTest, profile_keeps_the_spans_of_every_worker) {
  open(toy::contents());
  LoadOptions options;
  options.threads = 2;
  Expected<std::unique_ptr<LoadedProgram>> program = load(options);
  ASSERT_TRUE(program);
  Step step;
  step.ids = {3};
  step.positions = step.slots = {0};
  step.seqStarts = {0, 1};
  step.contextLens = {1};
  step.pageTable = {0, 0, 0, 0};
  ASSERT_TRUE((*program)->setStep(step));
  (*program)->profile(true);
  ASSERT_TRUE((*program)->run());
  std::vector<KernelSpan> spans = (*program)->spans();
  std::vector<uint32_t> launches[2];
  double ended[2] = {0, 0};
  for (const KernelSpan &span : spans) {
    ASSERT_LT(span.worker, 2u);
    launches[span.worker].push_back(span.launch);
    EXPECT_GE(span.begin, ended[span.worker]);
    EXPECT_GE(span.working, 0);
    EXPECT_GE(span.seconds, span.working);
    ended[span.worker] = span.begin + span.seconds;
  }
  EXPECT_EQ(launches[0], launches[1]);
  // No rows are asked for, so there are no logits to compute.
  EXPECT_FALSE(std::count(launches[0].begin(), launches[0].end(), 3u));
  EXPECT_EQ(std::set<uint32_t>(launches[0].begin(), launches[0].end()).count(0), 1u);
  (*program)->profile(false);
  ASSERT_TRUE((*program)->run());
  EXPECT_TRUE((*program)->spans().empty());
}

// More workers than cores: who takes what of the common rest differs from run to run.
TEST_F(CpuDeviceTest, what_workers_take_as_they_come_free_is_done_once) {
  open(toy::contents());
  LoadOptions options;
  options.threads = 7;
  Expected<std::unique_ptr<LoadedProgram>> program = load(options);
  ASSERT_TRUE(program) << program.error().message;
  Step step;
  constexpr int32_t tokens = 24;
  for (int32_t t = 0; t < tokens; ++t) {
    step.ids.push_back(t % 10);
    step.positions.push_back(t);
    step.slots.push_back(t);
  }
  step.seqStarts = {0, tokens};
  step.contextLens = {tokens};
  step.pageTable = {0, 1, 2, 3};
  step.rows = {0, 7, 15, tokens - 1};
  step.sampling.resize(step.rows.size());
  ASSERT_TRUE((*program)->setStep(step));
  for (int run = 0; run < 300; ++run) {
    ASSERT_TRUE((*program)->run());
    std::vector<float> logits(step.rows.size() * toy::vocab);
    ASSERT_TRUE((*program)->read((*program)->outputBuffer(StepOutput::Logits), 0, logits.data(), logits.size() * 4));
    for (size_t r = 0; r < step.rows.size(); ++r) {
      std::vector<float> expected = toy::logitsOf({step.ids.begin(), step.ids.begin() + step.rows[r] + 1});
      ASSERT_EQ(std::vector<float>(&logits[r * toy::vocab], &logits[r * toy::vocab] + toy::vocab), expected) << run;
    }
  }
}

TEST_F(CpuDeviceTest, mapped_weights_are_those_of_the_file) {
  open(toy::contents());
  LoadOptions options;
  options.mapWeights = true;
  Expected<std::unique_ptr<LoadedProgram>> copied = load(), mapped = load(options);
  ASSERT_TRUE(mapped) << mapped.error().message;
  const MemoryPlan &plan = (*mapped)->plan();
  size_t compared = 0;
  for (uint32_t i = 0; i < plan.buffers.size(); ++i) {
    if ((*mapped)->target().buffers()->Get(i)->kind() != fb::BufferKind::weight)
      continue;
    std::vector<std::byte> first(plan.buffers[i].bytes), second(first.size());
    ASSERT_TRUE((*copied)->read(i, 0, first.data(), first.size()));
    ASSERT_TRUE((*mapped)->read(i, 0, second.data(), second.size()));
    EXPECT_EQ(first, second);
    ++compared;
  }
  EXPECT_GT(compared, 0u);
  // What follows the weights in the block is memory of its own: it can be written, and the file stays as it is.
  mapped = load(options);
  std::string before = toy::readFile(path);
  float table = 0;
  ASSERT_TRUE((*mapped)->read(10, 0, &table, sizeof(table)));
  EXPECT_EQ(table, 0.5f);
  EXPECT_EQ(toy::readFile(path), before);
}

TEST_F(CpuDeviceTest, damage_is_found_in_mapped_weights) {
  open(toy::contents());
  toy::flipByte(path, artifact.fileSize() - 5, 1);
  LoadOptions options;
  options.mapWeights = true;
  Expected<std::unique_ptr<LoadedProgram>> mapped = load(options);
  ASSERT_FALSE(mapped);
  EXPECT_NE(mapped.error().message.find("do not match their digest"), std::string::npos) << mapped.error().message;
}

TEST_F(CpuDeviceTest, code_that_is_none_or_lacks_a_kernel_is_an_error) {
  std::string error = path + ": target 'cpu:toy': ";
  ArtifactContents contents = toy::contents();
  std::string code = contents.code[0];
  for (auto [bytes, message] : {std::pair{std::string("not code"), "code is too short for a shared object"},
                                {std::string(500, 'x'), "code is not a shared object for x86-64"},
                                {code.substr(0, code.size() / 2), "code is a shared object that is cut short"}}) {
    contents = toy::contents();
    contents.code[0] = bytes;
    open(std::move(contents));
    Expected<std::unique_ptr<LoadedProgram>> program = load();
    ASSERT_FALSE(program);
    EXPECT_EQ(program.error().message, error + message);
  }
  contents = toy::contents();
  contents.program.targets[0]->kernels[2]->symbol = "toy_absent";
  open(std::move(contents));
  Expected<std::unique_ptr<LoadedProgram>> program = load();
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().message, error + "its code has no kernel 'toy_absent'");
}

TEST_F(CpuDeviceTest, more_memory_than_there_is_is_an_error_before_anything_is_touched) {
  ArtifactContents contents = toy::contents();
  fb::KvCacheT &cache = *contents.program.kv_caches[0];
  cache.heads = 1 << 21;
  cache.page_bytes *= cache.heads; // 1 GiB
  open(std::move(contents));
  LoadOptions options;
  options.kvPages = 1 << 20; // a pebibyte
  for (const char *name : {"cpu", "null"}) {
    Expected<std::unique_ptr<LoadedProgram>> program = (*openDevice(name))->load(artifact, 0, options);
    ASSERT_FALSE(program) << name;
    EXPECT_EQ(program.error().message.find(path + ": "), 0u) << program.error().message;
    EXPECT_NE(program.error().message.find("1073741"), std::string::npos) << program.error().message; // MiB
  }
}

TEST_F(CpuDeviceTest, two_programs_keep_their_own_code) {
  open(toy::contents());
  Expected<std::unique_ptr<LoadedProgram>> first = load();
  ArtifactContents contents = toy::contents();
  contents.program.targets[0]->kernels[2]->symbol = "toy_absent";
  open(std::move(contents)); // while `first` lives, of which nothing may be found here
  EXPECT_FALSE(load());
  open(toy::contents());
  EXPECT_TRUE(load());
}

} // namespace
